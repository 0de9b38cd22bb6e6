import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfigEntry, lastValue, parseBoolean } from '../config/entries.ts';
import { readMirrorList } from '../config/mirror-list.ts';
import { commonDirOf } from '../git/repository.ts';
import { carriedRemotes, carriedUrls, isPartial } from '../mirror/carried.ts';
import { repositoryKey } from '../protocol/repository-key.ts';
import type { Carrier } from './carrier.ts';
import { viewPath } from './find-view.ts';
import { gitDirsBelow, pathOf } from './walk.ts';

/** What was found under the root is looked for again after so many milliseconds. */
const FOUND_FOR = 5000;

/** So many places are told of one URL, and so many URLs of a server. */
const MOST = { places: 4, urls: 64 };

/** What a name is made of that stands in a configuration as it is. */
const PLAIN_NAME = /^[\w.-]+$/;

/** A repository that may carry something. */
interface Found {
  gitDir: string;
  /** Its configuration file. */
  text: string;
}

interface Place {
  path: string;
  /** Whether its history is cut: of little use to others. */
  shallow: boolean;
}

/** What the clones under a folder carry: the repositories that they are clones of. */
export class Clones implements Carrier {
  readonly #root: string;
  readonly #entriesOf: (gitDir: string) => Promise<readonly ConfigEntry[] | null>;
  #found: { at: number; clones: Promise<Found[]> } | null = null;

  /**
   * @param root without symbolic links
   * @param entriesOf the configuration of a repository; null where it cannot be read now
   */
  constructor(root: string, entriesOf: (gitDir: string) => Promise<readonly ConfigEntry[] | null>) {
    this.#root = root;
    this.#entriesOf = entriesOf;
  }

  async find(url: string, gitDir: string | null): Promise<readonly string[]> {
    const places: Place[] = [];
    // A process for each of a thousand clones would take seconds: git is asked where the file may say so.
    const fit = async () => (await this.#clones()).filter((one) => mentions(one, url));
    const gitDirs = gitDir === null ? (await fit()).map((one) => one.gitDir) : [gitDir];
    for (const one of gitDirs) places.push(...this.#placesIn(one, await this.#entriesOf(one), url));
    const best = places.toSorted((a, b) => Number(a.shallow) - Number(b.shallow));
    return best.slice(0, MOST.places).map(({ path }) => path);
  }

  async urls(): Promise<{ urls: readonly string[]; more: number }> {
    const urls = new Set<string>();
    const clones = await this.#clones();
    for (const [index, { gitDir }] of clones.entries()) {
      if (urls.size >= MOST.urls) return { urls: [...urls], more: clones.length - index };
      const entries = await this.#entriesOf(gitDir);
      if (entries === null || !isServed(entries)) continue;
      for (const url of carriedUrls(ownUrls(entries), isPartial(entries) ? [] : entries)) urls.add(url);
    }
    return { urls: [...urls].slice(0, MOST.urls), more: 0 };
  }

  #placesIn(gitDir: string, entries: readonly ConfigEntry[] | null, url: string): Place[] {
    if (entries === null || !isServed(entries) || isPartial(entries)) return [];
    const path = pathOf(this.#root, gitDir);
    const shallow = existsSync(join(commonDirOf(gitDir, {}), 'shallow'));
    const isOwn = ownUrls(entries).some((one) => repositoryKey(one) === repositoryKey(url));
    const remotes = carriedRemotes(url, entries).map(({ name, own }) => (own ? path : viewPath(path, name)));
    return [...new Set([...(isOwn ? [path] : []), ...remotes])].map((one) => ({ path: one, shallow }));
  }

  #clones(): Promise<Found[]> {
    const now = performance.now();
    if (this.#found === null || now - this.#found.at >= FOUND_FOR)
      this.#found = { at: now, clones: clonesBelow(this.#root) };
    return this.#found.clones;
  }
}

async function clonesBelow(root: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const gitDir of (await gitDirsBelow(root)).gitDirs) {
    const file = join(commonDirOf(gitDir, {}), 'config');
    const text = await readFile(file, 'latin1').catch(() => '');
    if (/\[remote|mirrorlist|\binclude/i.test(text)) found.push({ gitDir, text });
  }
  return found;
}

// Where the administrator says what a repository is canonical as.
function ownUrls(entries: readonly ConfigEntry[]): string[] {
  const { settings } = readMirrorList(entries);
  return settings.enabled ? settings.canonical : [];
}

function isServed(entries: readonly ConfigEntry[]): boolean {
  return parseBoolean(lastValue(entries, 'http', null, 'uploadpack') ?? 'true') ?? true;
}

// However a URL is spelt, and whatever `url.<base>.insteadOf` does to its beginning, it ends with the repository's name.
function mentions({ text }: Found, url: string): boolean {
  const name = repositoryKey(url).split(/[/:]/).at(-1) ?? '';
  return !PLAIN_NAME.test(name) || text.includes(name) || /\binclude/i.test(text);
}
