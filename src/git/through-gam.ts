import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { readRemotes, rewriteUrl } from '../config/remotes.ts';
import { isUnderIncluded } from '../mirror/enabling.ts';
import { CLONE_OPTIONS, FETCH_OPTIONS, operands } from '../protocol/command-words.ts';
import { parseGitUrl } from '../protocol/git-url.ts';

const PREFIX = 'mirror::';

/**
 * A place as git is to be given it so that it goes through gam. What is none of gam's stays as it is, and git tells
 * what is wrong with it: another helper's URL, an unknown scheme, a bundle.
 */
function prefixed(place: string, cwd: string): string {
  try {
    const parsed = parseGitUrl(place);
    if (parsed.kind !== 'file') return PREFIX + place;
    const path = resolve(cwd, parsed.path);
    return existsSync(path) && statSync(path).isFile() ? place : PREFIX + place;
  } catch {
    return place;
  }
}

// In the new repository a relative path would lead from there; git makes it absolute, too.
function absolute(place: string, cwd: string): string {
  try {
    return parseGitUrl(place).kind === 'file' && !place.includes('://') ? resolve(cwd, place) : place;
  } catch {
    return place;
  }
}

/**
 * The words of a `git clone` that goes through gam: its URL gets `mirror::` in front, unless git is led to gam with it
 * anyway (`gam enable`), and the clone keeps the plain one.
 *
 * @param words as git clone takes them
 */
export function cloneThroughGam(
  words: readonly string[],
  entries: readonly ConfigEntry[],
  cwd: string,
): string[] {
  const [at] = operands(words, CLONE_OPTIONS);
  const url = at === undefined ? undefined : words[at];
  if (at === undefined || url === undefined) return ['clone', ...words];
  // An include is for the remote origin alone.
  const renamed =
    lastValue(entries, 'clone', null, 'defaultremotename') !== undefined ||
    words.some((word) => /^-o|^--o/.test(word));
  const led = rewriteUrl(entries, url).startsWith(PREFIX) || (!renamed && isUnderIncluded(entries, url));
  return [
    'clone',
    ...words.slice(0, at),
    led ? url : prefixed(absolute(url, cwd), cwd),
    ...words.slice(at + 1),
  ];
}

/**
 * The words of a `git fetch` that goes through gam: every remote that does not do so by its configuration is sent there for
 * this once, since git may choose any of them (`branch.<name>.remote`, --all, a group). A URL gets `mirror::` in front.
 *
 * @param words as git fetch takes them
 */
export function fetchThroughGam(
  words: readonly string[],
  entries: readonly ConfigEntry[],
  cwd: string,
): string[] {
  const remotes = readRemotes(entries);
  const settings = remotes.flatMap(({ name, canonical, throughGam }) => {
    // The remote has a helper of its own, or a name that -c cannot give.
    const free = lastValue(entries, 'remote', name, 'vcs') === undefined && !name.includes('=');
    const ours = free && !throughGam && prefixed(canonical, cwd) !== canonical;
    return ours ? ['-c', `remote.${name}.vcs=mirror`] : [];
  });
  const [at] = operands(words, FETCH_OPTIONS);
  const place = at === undefined ? undefined : words[at];
  // What looks like a name is one: of a remote, or of a group of them.
  const isPlace = place !== undefined && /[/:]/.test(place) && remotes.every(({ name }) => name !== place);
  if (at === undefined || !isPlace) return [...settings, 'fetch', ...words];
  const led = rewriteUrl(entries, place).startsWith(PREFIX) ? place : prefixed(place, cwd);
  return [...settings, 'fetch', ...words.slice(0, at), led, ...words.slice(at + 1)];
}
