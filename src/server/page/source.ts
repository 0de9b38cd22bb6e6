import type { Environment } from '../../git/environment.ts';
import type { Cache } from '../cache.ts';
import type { ServedRepository } from '../group-watch.ts';
import type { Upstream } from '../upstream.ts';
import { gitDirsBelow, pathOf } from '../walk.ts';
import { type FoundLists, ListFinder } from './find-lists.ts';
import { type FoundCopies, shownCopy } from './gather.ts';
import { look } from './look.ts';
import type { Look } from './lookout.ts';
import type { ServedKind } from './status.ts';

/** Where the page learns what its server serves. */
export interface PageSource {
  kind: ServedKind;
  /** The lists that are told. */
  lists(): Promise<FoundLists>;
  /** The copies of a cache; null for any other server. */
  copies(): Promise<FoundCopies | null>;
  /** The repositories that may be members of groups: those of a folder. */
  repositories(): Promise<readonly ServedRepository[]>;
  look: Look;
  /** Ends whatever is looked for. */
  end(): void;
}

/** So many copies are shown: those used last. */
const MOST_COPIES = 200;

const NO_LISTS: FoundLists = { lists: [], truncated: false };

// What nobody has compared yet, and nothing here can be compared with.
const unasked =
  (reason: string): Look =>
  async () => ({ state: 'unasked', behind: null, reason });

/**
 * The repositories of a folder.
 * @param env as servingEnvironment() makes it
 */
export function folderSource(root: string, env: Environment): PageSource {
  const finder = new ListFinder(root, env);
  return {
    kind: 'folder',
    lists: () => finder.find(),
    copies: async () => null,
    repositories: async () => {
      const { gitDirs } = await gitDirsBelow(root);
      return gitDirs.map((gitDir) => ({ gitDir, path: pathOf(root, gitDir) }));
    },
    look: (list, url, signal) => look(list, url, env, signal),
    end: () => finder.end(),
  };
}

/** The copies of a cache, which knows no mirrors beside itself. */
export function cacheSource(cache: Cache): PageSource {
  // A look at all copies takes its time, and whoever looks meanwhile gets the same.
  let looking: Promise<FoundCopies> | null = null;
  const gather = async () => {
    const { copies, truncated } = await cache.copies(MOST_COPIES);
    return { copies: copies.map(shownCopy), truncated };
  };
  return {
    kind: 'cache',
    lists: async () => NO_LISTS,
    copies: () => {
      looking ??= gather().finally(() => {
        looking = null;
      });
      return looking;
    },
    repositories: async () => [],
    look: unasked('a cache'),
    end: () => undefined,
  };
}

/** The one list that is told before another server. Which repositories that has is its own to say, so none is shown. */
export function upstreamSource(upstream: Upstream): PageSource {
  return {
    kind: 'upstream',
    lists: async () => {
      const told = await upstream.list();
      const lists = told === null ? [] : [{ path: '/*', gitDir: '', ...told }];
      return { lists, truncated: false };
    },
    copies: async () => null,
    repositories: async () => [],
    look: unasked('a base of many'),
    end: () => undefined,
  };
}
