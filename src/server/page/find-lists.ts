import { type Dirent, existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type ConfigEntry, lastValue, parseBoolean } from '../../config/entries.ts';
import { type ListSettings, readMirrorList } from '../../config/mirror-list.ts';
import { readConfig } from '../../git/config.ts';
import type { Environment } from '../../git/environment.ts';

/** A repository that tells its clients of mirrors. */
export interface FoundList {
  /** As pathOf() has it. */
  path: string;
  gitDir: string;
  settings: ListSettings;
  entries: readonly ConfigEntry[];
}

/** Where a search ends: so many folders, so deep below the root, and so many lists. */
const MOST = { folders: 10_000, depth: 8, lists: 200 };

/** What a search remembers of a configuration file for the next one. */
interface Remembered {
  mark: string;
  read: Promise<FoundList | null>;
}

/** A repository's path in URLs: `/x` for the folders `x` and `x/.git`, `/x.git` for `x.git`. Names nothing above the root. */
export function pathOf(root: string, gitDir: string): string {
  const below = relative(root, gitDir).split(sep).join('/');
  return `/${below.replace(/(?:^|\/)\.git$/, '')}`;
}

const foldersIn = (path: string): Promise<Dirent[]> =>
  readdir(path, { withFileTypes: true }).then(
    (entries) => entries.filter((entry) => entry.isDirectory()),
    () => [],
  );

const isGitDir = (path: string) => existsSync(join(path, 'HEAD')) && existsSync(join(path, 'objects'));

/**
 * Finds the repositories under a root that have their mirror list told. Symbolic links are not followed, nor are
 * repositories looked for within others.
 */
export class ListFinder {
  readonly #root: string;
  readonly #env: Environment;
  #remembered = new Map<string, Remembered>();

  /** @param env as servingEnvironment() makes it */
  constructor(root: string, env: Environment) {
    this.#root = root;
    this.#env = env;
  }

  /** Looks once, in the order of paths. `truncated` tells that there is more than is looked for. */
  async find(signal: AbortSignal): Promise<{ lists: FoundList[]; truncated: boolean }> {
    const { gitDirs, truncated } = await this.#gitDirs();
    const remembered = new Map<string, Remembered>();
    const lists: FoundList[] = [];
    for (const gitDir of gitDirs) {
      if (signal.aborted || lists.length === MOST.lists) return { lists, truncated: true };
      const found = await this.#listOf(gitDir, remembered, signal);
      if (found !== null) lists.push(found);
    }
    this.#remembered = remembered;
    return { lists, truncated };
  }

  async #gitDirs(): Promise<{ gitDirs: string[]; truncated: boolean }> {
    const gitDirs: string[] = [];
    let level = [this.#root];
    let looked = 0;
    for (let depth = 0; level.length > 0; depth += 1) {
      const next: string[] = [];
      for (const folder of level) {
        looked += 1;
        if (looked > MOST.folders || depth > MOST.depth) return { gitDirs: gitDirs.sort(), truncated: true };
        const gitDir = [folder, join(folder, '.git')].find(isGitDir);
        if (gitDir !== undefined) gitDirs.push(gitDir);
        else next.push(...(await foldersIn(folder)).map(({ name }) => join(folder, name)));
      }
      level = next;
    }
    return { gitDirs: gitDirs.sort(), truncated: false };
  }

  // A process for each repository, and each look at the page, would be many: git is asked only where the file may say something,
  // and has changed. What an included file says counts from the next change on.
  async #listOf(
    gitDir: string,
    remembered: Map<string, Remembered>,
    signal: AbortSignal,
  ): Promise<FoundList | null> {
    const file = join(gitDir, 'config');
    const about = await stat(file).catch(() => null);
    if (about === null) return null;
    const mark = [about.mtimeMs, about.ctimeMs, about.size, about.ino].join();
    const before = this.#remembered.get(gitDir);
    const read = before?.mark === mark ? before.read : this.#read(gitDir, file, signal);
    const found = await read.catch(() => null);
    if (!signal.aborted) remembered.set(gitDir, { mark, read });
    return found;
  }

  async #read(gitDir: string, file: string, signal: AbortSignal): Promise<FoundList | null> {
    if (!/mirrorlist|\binclude/i.test(await readFile(file, 'latin1'))) return null;
    // In the folder, and not by GIT_DIR: git then reads nothing of a repository that it would not serve (safe.directory).
    const entries = await readConfig({ cwd: gitDir, env: this.#env, signal });
    const { settings } = readMirrorList(entries);
    const isServed = parseBoolean(lastValue(entries, 'http', null, 'uploadpack') ?? 'true') ?? true;
    if (!settings.enabled || !isServed) return null;
    return { path: pathOf(this.#root, gitDir), gitDir, settings, entries };
  }
}
