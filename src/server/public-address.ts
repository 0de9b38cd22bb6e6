import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type IsTrusted, plainAddress } from './client-address.ts';

/** A host, and a port where it is not the scheme's own (RFC 9110, section 7.2). */
const AUTHORITY = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9_-])?\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;

function last(header: string | string[] | undefined): string | undefined {
  return [header ?? []].flat().join().split(',').at(-1)?.trim() || undefined;
}

/**
 * The URL of this server as its client sees it, without a slash at the end: by the header `Host`, or, behind a trusted proxy, by
 * `X-Forwarded-Proto` and `X-Forwarded-Host`. Null where it does not say. Who writes what is not so there misleads himself alone.
 */
export function publicAddress({ headers, socket }: IncomingMessage, isTrusted: IsTrusted): string | null {
  const peer = plainAddress(socket.remoteAddress ?? '');
  const isProxy = peer !== null && isTrusted(peer);
  const proto = isProxy ? last(headers['x-forwarded-proto'])?.toLowerCase() : undefined;
  const own = socket instanceof TLSSocket ? 'https' : 'http';
  const scheme = proto === 'https' || proto === 'http' ? proto : own;
  const host = (isProxy ? last(headers['x-forwarded-host']) : undefined) ?? headers.host ?? '';
  return AUTHORITY.test(host) ? `${scheme}://${host}` : null;
}

/** The URL of a path below such an address; `/` at its end for the server itself. */
export function urlBelow(address: string, path: string): string {
  const parts = path.split('/').map((part) => encodeURIComponent(part));
  return `${address}${parts.join('/') || '/'}`;
}
