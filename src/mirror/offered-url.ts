import type { AcceptPattern } from '../config/accept.ts';
import { type GitUrl, parseGitUrl } from '../protocol/git-url.ts';
import { isLocalName, isPublicAddress } from '../protocol/public-host.ts';
import { redactUrl } from '../protocol/redact.ts';
import { judgeMirrorUrl } from './refusal.ts';

/** A URL of a list, in the one form in which it is compared. */
interface Offered {
  scheme: string;
  /** In small letters, an address as it is usually written, without a final dot. */
  host: string;
  port: string | null;
  path: string;
}

const OWN_PORT: Readonly<Record<string, string>> = { http: '80', https: '443', ssh: '22', git: '9418' };

// As browsers read it (URL Standard, "host parsing"), which also takes 0x7f.1 and 2130706433 for the address that they are.
function plainHost(host: string): string | null {
  try {
    // git takes the brackets of an address away where it is not for the web.
    const { hostname } = new URL(
      `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}/`,
    );
    const plain = hostname.replace(/\.$/, '');
    return plain === '' ? null : plain;
  } catch {
    return null;
  }
}

function offered(url: string): Offered | null {
  const [, named, path] = /^([a-z+]+):\/\/[^/?#]*(\/.*)$/i.exec(url) ?? [];
  const parsed = parseGitUrl(url);
  const host = parsed.kind === 'file' ? null : plainHost(parsed.host);
  if (named === undefined || path === undefined || parsed.kind === 'file' || host === null) return null;
  const scheme = parsed.kind === 'web' ? parsed.scheme : parsed.kind;
  const port = parsed.port === null || Number(parsed.port) === Number(OWN_PORT[scheme]) ? null : parsed.port;
  return { scheme, host, port, path };
}

function isInside(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const isAddress = bare !== host || /^[0-9.]+$/.test(host);
  return isAddress ? !isPublicAddress(bare) : isLocalName(host);
}

// What ~/.ssh/config calls by one word may be anywhere.
function isServerInside(canonical: string): boolean {
  let parsed: GitUrl;
  try {
    parsed = parseGitUrl(canonical);
  } catch {
    return false;
  }
  if (parsed.kind === 'file') return true;
  const host = plainHost(parsed.host);
  return (
    host !== null && isInside(host) && (parsed.kind !== 'ssh' || host.includes('.') || host === 'localhost')
  );
}

function fits({ scheme, host, port, path }: Offered, pattern: AcceptPattern): boolean {
  const fitsPort =
    pattern.port === '*' || Number(pattern.port ?? OWN_PORT[scheme]) === Number(port ?? OWN_PORT[scheme]);
  return (
    pattern.scheme === scheme &&
    fitsPort &&
    pattern.host.test(host) &&
    (pattern.path === null || pattern.path.test(path))
  );
}

/**
 * Names the place that a URL leads to, so that each is taken once however it is written: the case of a host, a final dot, a
 * port that is the scheme's own, and slashes at the end make no difference.
 */
export function placeOf(url: string): string {
  const place = judgeMirrorUrl(url).parsed === null ? null : offered(url);
  return place === null
    ? url
    : [place.scheme, place.host, place.port, place.path.replace(/\/+$/, '')].join(' ');
}

/**
 * Judges a URL that came over the network, in a list of a server's: everything that judgeMirrorUrl() refuses, and whatever
 * the user does not accept; no file, nothing inside this network for a server outside of it.
 *
 * @param canonical the URL of the server that named it
 * @returns why it must not be contacted, in words for the user; null when it may be
 */
export function refusalOfOffered(
  url: string,
  canonical: string,
  accepted: readonly AcceptPattern[],
): string | null {
  const { refusal, parsed } = judgeMirrorUrl(url);
  if (refusal !== null) return refusal;
  if (parsed.kind === 'file' || !/^[a-z+]+:\/\//i.test(url))
    return 'a list may name no files, and no URL without a scheme';
  if (redactUrl(url) !== url) return 'a login, a query or a fragment in the URL';
  const place = offered(url);
  if (place === null) return 'no host and path in the URL';
  if (/[\\]|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(place.path)) return 'a path that leads elsewhere than it looks';
  const fitting = accepted.filter((pattern) => fits(place, pattern));
  if (fitting.length === 0) return 'not accepted by gam.acceptMirrorUrl';
  const named = fitting.some((pattern) => pattern.named !== null && plainHost(pattern.named) === place.host);
  if (isInside(place.host) && !named && !isServerInside(canonical))
    return 'a place inside this network, named by a server outside of it';
  return null;
}
