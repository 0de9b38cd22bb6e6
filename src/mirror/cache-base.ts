import { GamError } from '../errors.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';

/** A URL under which a cache may answer for repositories. */
export interface CacheBase {
  scheme: 'http' | 'https';
  /** Lower case, without a final dot; an IPv6 address in brackets. */
  host: string;
  /** Null for the scheme's own. */
  port: string | null;
  /** The parts of the path, decoded. */
  parts: readonly string[];
  /** Whether it may be the URL of a repository itself: it was written without a slash at its end. */
  whole: boolean;
}

/** A repository that a cache may answer for. */
export interface CachedUrl {
  /** Canonical's. */
  url: string;
  /** Where it is kept below the cache's folder, by slashes: `https/host/group/project.git`. No two repositories share one. */
  folder: string;
}

/** What no repository's path has: a `%` that is left when all is decoded was encoded twice, to be decoded behind our back. */
const FOREIGN_PART = /^\.{0,2}$|[%\\/\u0000-\u001f\u007f]/;

/** `host` or `host:port`; no login, and no other way of writing an address than the one that bases are brought to. */
const AUTHORITY = /^([a-z0-9](?:[a-z0-9_.-]*[a-z0-9_-])?|\[[0-9a-f:.]+\])\.?(?::([0-9]{1,5}))?$/;

const DEFAULT_PORTS = { http: '80', https: '443' } as const;

/** No file name may have more bytes, and no path that is still to be lengthened by git's own names. */
const LONGEST_NAME = 240;
const LONGEST_FOLDER = 2000;

function refused(text: string, why: string): GamError {
  return new GamError('bad-url', `${redactUrl(text)} is no base for a cache: ${why}`, {
    url: redactUrl(text),
    suggestion: 'a base looks like https://host/ or https://host/group/',
  });
}

function partsOf(pathname: string): string[] | null {
  const bare = pathname.replace(/^\//, '').replace(/\/$/, '');
  if (bare === '') return [];
  try {
    const parts = bare.split('/').map(decodeURIComponent);
    return parts.some((part) => FOREIGN_PART.test(part)) ? null : parts;
  } catch {
    return null;
  }
}

/**
 * Reads what `gam serve --for` takes: an http or https URL, of a host or of what lies under one.
 * @throws GamError `bad-url`
 */
export function readCacheBase(text: string): CacheBase {
  if (printable(text) !== text || /[\s\\]/.test(text)) throw refused(text, 'it holds what no URL does');
  const [, path = ''] = /^https?:\/\/[^/?#]+([^?#]*)$/i.exec(text) ?? [null, null];
  if (path === null || !URL.canParse(text)) throw refused(text, 'give a URL of http or https');
  const { hostname, password, port, protocol, username } = new URL(text);
  if (username !== '' || password !== '' || text.includes('@'))
    throw refused(text, 'a login in it; git finds those of this server by its own configuration');
  const parts = partsOf(path);
  const host = hostname.toLowerCase().replace(/\.$/, '');
  if (!AUTHORITY.test(host)) throw refused(text, 'no host in it');
  if (parts === null || path.endsWith('//')) throw refused(text, 'its path is none of a repository');
  const scheme = protocol === 'http:' ? 'http' : 'https';
  return { scheme, host, port: port === '' ? null : port, parts, whole: !path.endsWith('/') };
}

/** A base as it is shown: `https://host/group/`. */
export function showBase({ scheme, host, port, parts, whole }: CacheBase): string {
  const authority = port === null ? host : `${host}:${port}`;
  return `${scheme}://${[authority, ...parts.map(inUrl)].join('/')}${whole && parts.length > 0 ? '' : '/'}`;
}

// As isUnder() of candidates.ts has it, part by part: the match ends at a slash.
function takesIn(base: CacheBase, host: string, port: string | undefined, path: readonly string[]): boolean {
  const own = port === undefined || port === DEFAULT_PORTS[base.scheme] ? null : port;
  const isUnder = base.parts.every((part, index) => path[index] === part);
  const hasRest = path.length > base.parts.length || (base.whole && path.length === base.parts.length);
  return base.host === host && base.port === own && isUnder && hasRest;
}

function inUrl(part: string): string {
  return encodeURIComponent(part).replaceAll('%2B', '+');
}

// Fit for every file system: letters differ by more than their case, and nothing but ASCII is left.
function fileName(part: string): string {
  return [...Buffer.from(part)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[a-z0-9._+~@-]/.test(character)) return character;
      if (/[A-Z]/.test(character)) return `!${character.toLowerCase()}`;
      return `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

/**
 * The repository that a request to a cache is for. Its URL begins with a base, whatever was asked for; of several bases the
 * longest decides the scheme.
 *
 * @param repository the path of the request, decoded: `/<host>[:<port>]/<path>`, with or without `.git` at its end
 * @returns null for what lies under no base, or could lead elsewhere
 */
export function cachedUrl(bases: readonly CacheBase[], repository: string): CachedUrl | null {
  const [authority = '', ...path] = repository.slice(1).split('/');
  const [, host, asked] = AUTHORITY.exec(authority.toLowerCase()) ?? [];
  const last = path.at(-1);
  if (!repository.startsWith('/') || host === undefined || last === undefined) return null;
  const name = last.replace(/\.git$/, '');
  const above = path.slice(0, -1);
  // A folder of a bare repository's is none for others.
  const isNested = above.some((part) => /\.git$/i.test(part));
  if (isNested || [...path, name].some((part) => FOREIGN_PART.test(part))) return null;
  const port = asked?.replace(/^0+(?=[0-9])/, '');
  const [base] = bases
    .filter((one) => takesIn(one, host, port, path))
    .sort((a, b) => b.parts.length - a.parts.length);
  if (base === undefined) return null;
  const where = base.port === null ? host : `${host}:${base.port}`;
  const names = [base.scheme, where.replace(/\[|\]/g, '').replaceAll(':', '+'), ...above.map(fileName)];
  const folder = [...names, `${fileName(name)}.git`].join('/');
  if (folder.length > LONGEST_FOLDER || folder.split('/').some((part) => part.length > LONGEST_NAME))
    return null;
  return { url: `${base.scheme}://${[where, ...path.map(inUrl)].join('/')}`, folder };
}

/**
 * Where a redirect of a repository's `info/refs` leads to.
 * @param location the header's value; may be relative
 * @returns the URL of a repository; null where that lies under no base
 */
export function redirectedUrl(bases: readonly CacheBase[], from: string, location: string): string | null {
  if (printable(location, Infinity) !== location || !URL.canParse(location, `${from}/info/refs`)) return null;
  const { host, password, pathname, protocol, username } = new URL(location, `${from}/info/refs`);
  const parts = partsOf(pathname.replace(/\/info\/refs$/, ''));
  if (parts === null || username !== '' || password !== '' || !pathname.endsWith('/info/refs')) return null;
  const found = cachedUrl(bases, `/${[host, ...parts].join('/')}`);
  return found !== null && found.url.startsWith(`${protocol}//`) ? found.url : null;
}
