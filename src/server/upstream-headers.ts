import type { IncomingMessage } from 'node:http';
import { plainAddress } from './client-address.ts';

/** Names and values in turn, as a message had them. */
export type RawHeaders = readonly string[];

/** What is said of one connection, and not of the message (RFC 9110, section 7.6.1); and what others say of it in `Connection`. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'];

function pairsOf(raw: RawHeaders): [name: string, value: string][] {
  return raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
  );
}

/** The headers that a proxy hands on, in their order and writing. */
export function endToEnd(raw: RawHeaders): [name: string, value: string][] {
  const pairs = pairsOf(raw);
  const named = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((word) => word.trim().toLowerCase()));
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  return pairs.filter(([name]) => !dropped.has(name.toLowerCase()));
}

/** Whether a request has a body (RFC 9112, section 6). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * The headers of a client's request as an upstream gets them: those of the client, with the upstream's host, and with the client's
 * address added to `X-Forwarded-For`. Without it, an upstream that trusts this proxy would believe what the client put there itself.
 *
 * @param plain whether the answer has to come as it is, not compressed
 */
export function headersForUpstream(request: IncomingMessage, host: string, plain: boolean): string[] {
  const replaced = new Set(['host', 'x-forwarded-for', ...(plain ? ['accept-encoding'] : [])]);
  const kept = endToEnd(request.rawHeaders).filter(([name]) => !replaced.has(name.toLowerCase()));
  const given = [request.headers['x-forwarded-for'] ?? []].flat();
  const chain = [...given, plainAddress(request.socket.remoteAddress ?? '') ?? 'unknown'].join(', ');
  const own: [string, string][] = [
    ['Host', host],
    ['X-Forwarded-For', chain],
    ...(plain ? [['Accept-Encoding', 'identity'] as [string, string]] : []),
    // Its body is cut into chunks anew; one of a length that is known keeps that.
    ...(request.headers['transfer-encoding'] === undefined
      ? []
      : [['Transfer-Encoding', 'chunked'] as [string, string]]),
  ];
  return [...own, ...kept].flat();
}

/**
 * The headers of an upstream's answer as the client gets them. A redirect to the upstream itself leads to the same place behind
 * this proxy, as a reference without a host (RFC 9110, section 10.2.2), since only the client knows by which name it came.
 *
 * @param base the URL of the upstream
 * @param asked the URL that it was asked for
 */
export function headersForClient(raw: RawHeaders, base: URL, asked: string): [name: string, value: string][] {
  return endToEnd(raw).map(([name, value]) =>
    name.toLowerCase() === 'location' ? [name, redirected(value, base, asked)] : [name, value],
  );
}

function redirected(location: string, base: URL, asked: string): string {
  const to = URL.canParse(location, asked) ? new URL(location, asked) : null;
  const folder = base.pathname.replace(/\/$/, '');
  const isWhole = /^(?:https?:)?\/\//i.test(location);
  // A relative one leads where it should by itself, unless it names the upstream's folder.
  if (to === null || to.origin !== base.origin || !(isWhole || (folder !== '' && location.startsWith('/'))))
    return location;
  if (to.pathname !== folder && !to.pathname.startsWith(`${folder}/`)) return location;
  // Two slashes at the beginning would make a host of what follows.
  return `${to.pathname.slice(folder.length).replace(/^\/*/, '/')}${to.search}${to.hash}`;
}
