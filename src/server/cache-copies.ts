import { type CacheBase, cachedUrl } from '../mirror/cache-base.ts';
import type { CacheFlights } from './cache-flights.ts';
import type { CacheFolder } from './cache-folder.ts';
import type { CacheFreshness, Stale } from './cache-freshness.ts';
import { type CopySize, readCopy, sizeOfCopy } from './cached-copy.ts';
import { parseTarget } from './request-path.ts';

/** A copy of a cache, or one that is being made. Times are milliseconds since the epoch. */
export interface ListedCopy {
  /** Canonical's URL. */
  url: string;
  /** Where it is served: `/<host>[:<port>]/<path>`, encoded as in URLs. */
  path: string;
  /** `old` is one that was young, and that nobody has asked for since. */
  state: 'fetching' | 'fresh' | 'old' | 'stale' | 'gone';
  stale: Stale | null;
  /** When canonical has confirmed it; when it began to be fetched, for one that is being made. */
  since: number;
  bytes: number | null;
  used: number | null;
  /** Greetings since the server was started for which nothing had to be fetched. */
  hits: number;
}

/** Where copies are known of. */
export interface CopySources {
  bases: readonly CacheBase[];
  folder: CacheFolder;
  flights: CacheFlights;
  freshness: CacheFreshness;
}

/** Where a cache answers for a URL: `/<host>[:<port>]/<path>`. */
export function addressOf(url: string): string {
  return url.replace(/^https?:\//, '');
}

// One that no base leads to is served to nobody, and is removed when room is made.
function isServed(bases: readonly CacheBase[], url: string, folder: string): boolean {
  const target = parseTarget(addressOf(url));
  return target !== null && cachedUrl(bases, target.path)?.folder === folder;
}

async function listed(
  { bases, folder, freshness }: CopySources,
  { name, bytes, used }: CopySize & { name: string },
): Promise<ListedCopy[]> {
  const copy = await readCopy(folder.gitDir(name));
  if (copy === null || !isServed(bases, copy.url, name)) return [];
  const { confirmed: since, url } = copy;
  const stale = freshness.stale(name, copy);
  const young = freshness.isYoung(copy) ? 'fresh' : 'old';
  const state = copy.isGone ? 'gone' : stale === null ? young : 'stale';
  return [{ url, path: addressOf(url), state, stale, since, bytes, used, hits: freshness.hits(name) }];
}

/**
 * What a cache has, and what it is making, in the order of paths.
 * @param most so many copies, those that were used last
 * @returns `truncated` where there are more
 */
export async function listCopies(
  sources: CopySources,
  most: number,
): Promise<{ copies: ListedCopy[]; truncated: boolean }> {
  const { flights, folder } = sources;
  const sizes: (CopySize & { name: string })[] = [];
  for await (const name of folder.copies()) {
    const size = await sizeOfCopy(folder.gitDir(name));
    if (size !== null) sizes.push({ name, ...size });
  }
  const shown = sizes.sort((a, b) => b.used - a.used).slice(0, most);
  const copies = (await Promise.all(shown.map((size) => listed(sources, size)))).flat();
  const here = new Set(sizes.map(({ name }) => name));
  const making = flights.underway().filter((flight) => !here.has(flight.folder));
  const none = { state: 'fetching', stale: null, bytes: null, used: null, hits: 0 } as const;
  copies.push(
    ...making.slice(0, most).map(({ url, since }) => ({ url, path: addressOf(url), since, ...none })),
  );
  return {
    copies: copies.sort((a, b) => (a.path < b.path ? -1 : 1)),
    truncated: sizes.length > most || making.length > most,
  };
}
