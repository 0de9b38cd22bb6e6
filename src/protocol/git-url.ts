import { GamError } from '../errors.ts';
import { redactUrl } from './redact.ts';

/** A URL that git's web helpers speak to. */
export interface WebUrl {
  kind: 'web';
  /** `http`, `https`, `ftp` or `ftps`; also the name of the helper, `git remote-<scheme>`. */
  scheme: string;
  host: string;
  port: string | null;
  url: string;
}

/** `ssh://[user@]host[:port]/path` or `[user@]host:path`. */
export interface SshUrl {
  kind: 'ssh';
  /** What ssh gets as its destination: `[user@]host`. */
  destination: string;
  host: string;
  port: string | null;
  path: string;
}

/** `git://host[:port]/path`. */
export interface DaemonUrl {
  kind: 'git';
  host: string;
  port: string | null;
  /** As written, for the `host=` line of the request. */
  hostAndPort: string;
  path: string;
}

/** `file://...` or a local path. */
export interface FileUrl {
  kind: 'file';
  path: string;
}

/** Any place that git can reach without a foreign helper. */
export type GitUrl = WebUrl | SshUrl | DaemonUrl | FileUrl;

const SSH_SCHEMES = new Set(['ssh', 'git+ssh', 'ssh+git']);
const WEB_SCHEMES = new Set(['http', 'https', 'ftp', 'ftps']);

// git's own words, where it has some: they end up on the user's terminal in git's place.
const NO_PATH = "no path specified; see 'git help pull' for valid url syntax";

function bad(url: string, why: string, suggestion?: string): GamError {
  const remedy = suggestion === undefined ? {} : { suggestion };
  return new GamError('bad-url', why, { url: redactUrl(url), ...remedy });
}

// git's is_url(): a scheme of letters, digits, `+`, `-`, `.` before `://`.
function isUrl(text: string): boolean {
  return /^[a-z0-9][a-z0-9+.-]*:\/\//i.test(text);
}

// git's url_decode(): percent escapes are decoded everywhere behind `://`, `%00` is not.
function decode(url: string): string {
  const start = url.indexOf('://') + 3;
  const bytes = Buffer.from(url.slice(start), 'utf8').toString('latin1');
  const plain = bytes.replace(/%([0-9a-f]{2})/gi, (escape, hex: string) =>
    hex === '00' ? escape : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return url.slice(0, start) + Buffer.from(plain, 'latin1').toString('utf8');
}

// git's host_end(): where the host may end; a colon inside brackets is part of an IPv6 address.
function bracketEnd(text: string): number {
  const at = text.indexOf('@[');
  const start = at < 0 ? 0 : at + 1;
  const end = text[start] === '[' ? text.indexOf(']', start) : -1;
  return end < 0 ? 0 : end;
}

function isPort(text: string): boolean {
  return /^[0-9]+$/.test(text) && Number(text) < 65536;
}

// git's get_host_and_port(), followed for ssh by get_port(): `[host]:port`, `[host:port]` and `host:port`.
function splitPort(hostAndPort: string): { destination: string; port: string | null } {
  const end = bracketEnd(hostAndPort);
  const start = hostAndPort.indexOf('@[') + 1;
  // What stands between the bracket and the colon is lost in git, too.
  const [bare, rest] =
    end === 0
      ? [hostAndPort, hostAndPort]
      : [hostAndPort.slice(0, start) + hostAndPort.slice(start + 1, end), hostAndPort.slice(end + 1)];
  const colon = rest.indexOf(':');
  if (colon >= 0) {
    const destination = end === 0 ? bare.slice(0, colon) : bare;
    const port = rest.slice(colon + 1);
    if (isPort(port)) return { destination, port };
    if (port === '') return { destination, port: null };
  }
  return { destination: bare, port: null };
}

function parseHosted(url: string, kind: 'ssh' | 'git', rest: string, separator: '/' | ':'): GitUrl {
  const slash = rest.indexOf(separator, bracketEnd(rest));
  if (slash < 0) throw bad(url, NO_PATH);
  const hostAndPort = rest.slice(0, slash);
  // `host:` has an empty path, which git takes for the home folder there.
  let path = rest.slice(separator === ':' ? slash + 1 : slash);
  // `/~user/x` loses its slash; of `host:a~b` git takes `~b`, too (connect.c looks at the second letter only).
  if (path.charAt(1) === '~') path = path.slice(1);
  if (kind === 'git') {
    if (/\n/.test(hostAndPort + path)) throw bad(url, 'newline is forbidden in git:// hosts and repo paths');
    const { destination, port } = splitPort(hostAndPort);
    return { kind, host: destination, port, hostAndPort, path };
  }
  const split = splitPort(hostAndPort);
  let { destination, port } = split;
  // git's get_port(): a bracketed `[host:port]` of the scp form keeps its port inside the brackets.
  if (port === null) {
    const inner = /^([^:]*):([0-9]+)$/.exec(destination);
    if (inner?.[1] !== undefined && inner[2] !== undefined && isPort(inner[2]))
      [destination, port] = [inner[1], inner[2]];
  }
  const host = destination.slice(destination.lastIndexOf('@') + 1);
  return { kind, destination, host, port, path };
}

function parseWeb(url: string, scheme: string): WebUrl {
  const authority = /^[^/?#]*/.exec(url.slice(scheme.length + 3))?.[0] ?? '';
  const hostAndPort = authority.slice(authority.lastIndexOf('@') + 1);
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(hostAndPort);
  return { kind: 'web', scheme, host: match?.[1] ?? hostAndPort, port: match?.[2] || null, url };
}

/**
 * Takes a URL apart as git's connect.c does (parse_connect_url; git-fetch(1), "GIT URLS"), so that gam
 * opens the very place that git would. Percent escapes are decoded in URLs and left alone in plain paths.
 * @throws GamError `bad-url` for foreign helpers (`ext::...`), unknown schemes, and hosts or paths that a
 *   program could take for an option
 */
export function parseGitUrl(url: string): GitUrl {
  if (/^[a-z0-9][a-z0-9+.-]*::/i.test(url)) {
    throw bad(
      url,
      'a URL for another remote helper',
      'give mirror:: an http, ssh, git or file URL, or a path',
    );
  }
  const parsed = parsePlain(url);
  const first = parsed.kind === 'ssh' ? parsed.destination : parsed.kind === 'file' ? '' : parsed.host;
  if (first.startsWith('-')) throw bad(url, `strange hostname '${first}' blocked`);
  if (parsed.kind !== 'web' && parsed.path.startsWith('-')) {
    throw bad(url, `strange pathname '${parsed.path}' blocked`);
  }
  return parsed;
}

function parsePlain(url: string): GitUrl {
  if (isUrl(url)) {
    const scheme = url.slice(0, url.indexOf('://'));
    if (WEB_SCHEMES.has(scheme)) return parseWeb(url, scheme);
    const rest = decode(url).slice(scheme.length + 3);
    if (SSH_SCHEMES.has(scheme)) return parseHosted(url, 'ssh', rest, '/');
    if (scheme === 'git') return parseHosted(url, 'git', rest, '/');
    if (scheme !== 'file') throw bad(url, `protocol '${scheme}' is not supported`);
    if (/^[a-z]:/i.test(rest) && process.platform === 'win32') return { kind: 'file', path: rest };
    const slash = rest.indexOf('/', bracketEnd(rest));
    if (slash < 0) throw bad(url, NO_PATH);
    return { kind: 'file', path: rest.slice(slash) };
  }
  // What stands before `://` names a protocol wherever it is (connect.c, parse_connect_url).
  const before = url.indexOf('://');
  if (before >= 0) throw bad(url, `protocol '${url.slice(0, before)}' is not supported`);
  const colon = url.indexOf(':');
  const slash = url.indexOf('/');
  const local =
    colon < 0 || (slash >= 0 && slash < colon) || (process.platform === 'win32' && /^[a-z]:/i.test(url));
  if (!local) return parseHosted(url, 'ssh', url, ':');
  if (url === '') throw bad(url, 'an empty URL');
  return { kind: 'file', path: url };
}
