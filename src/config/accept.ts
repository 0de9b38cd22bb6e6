import { allValues, type ConfigEntry } from './entries.ts';

/** A pattern of `gam.acceptMirrorUrl`, taken apart. */
export interface AcceptPattern {
  /** As written, never a pattern itself. */
  scheme: string;
  /** What the host must be like. */
  host: RegExp;
  /** The host where it is named letter by letter; null where it holds a `*`. */
  named: string | null;
  /** null: the scheme's own; `*`: any. */
  port: string | null;
  /** What the path must be like; null: anything. */
  path: RegExp | null;
}

/** What a server or a published list may name where nothing is configured. */
const DEFAULT_ACCEPTED = 'https://*';

const ANY = '*';

function glob(text: string, any: string): RegExp {
  const parts = text.split(ANY).map((part) => part.replace(/[.[\]{}()+?|^$\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(any)}$`);
}

/**
 * Reads `<scheme>://<host>[:<port>][/<path>]`. A `*` never crosses from one part to the next, so that no host but the one
 * that is meant fits:
 *
 * - the scheme is written out: who accepts `http`, `ssh` or `git` says so;
 * - in a host a `*` stands for characters of one label, as in git's `http.<url>.*`, and the last label has none, but for a
 *   `*` alone, which is any host on any port: `https://github.com*` would be `github.community`, too, and is not read;
 * - without a port the scheme's own is meant, `:*` is any;
 * - in a path a `*` stands for any characters, slashes too; a path that ends in `/` takes in all below it; none at all, any.
 *
 * @returns null when it cannot be read
 */
export function parseAcceptPattern(text: string): AcceptPattern | null {
  const match = /^(https?|ssh|git):\/\/(\[[0-9a-f:.]+\]|[a-z0-9_.*-]+)(?::([0-9]{1,5}|\*))?(\/[^\s?#]*)?$/i;
  const [whole, scheme, name, port, path] = match.exec(text) ?? [];
  if (whole === undefined || scheme === undefined || name === undefined) return null;
  const host = name.toLowerCase();
  if (host !== ANY && /\*[^.]*$/.test(host)) return null;
  return {
    scheme: scheme.toLowerCase(),
    host: host === ANY ? /^/ : glob(host, '[^.]*'),
    named: host.includes(ANY) ? null : host,
    port: port ?? (host === ANY ? ANY : null),
    path: path === undefined ? null : glob(path.endsWith('/') ? `${path}${ANY}` : path, '.*'),
  };
}

/**
 * All patterns of `gam.acceptMirrorUrl`, and those values that cannot be read and accept nothing. An empty value takes back
 * what stands before it, as git has it for lists: alone, it accepts nothing.
 */
export function acceptPatterns(entries: readonly ConfigEntry[]): {
  patterns: AcceptPattern[];
  unreadable: string[];
} {
  const set = allValues(entries, 'gam', null, 'acceptmirrorurl');
  const all = set.length === 0 ? [DEFAULT_ACCEPTED] : set.slice(set.lastIndexOf('') + 1);
  const read = all.map((text) => ({ text, pattern: parseAcceptPattern(text) }));
  return {
    patterns: read.flatMap(({ pattern }) => pattern ?? []),
    unreadable: read.flatMap(({ text, pattern }) => (pattern === null ? [text] : [])),
  };
}
