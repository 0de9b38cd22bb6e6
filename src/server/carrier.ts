import { type CacheBase, cachedUrl, showBase } from '../mirror/cache-base.ts';
import { repositoryKey } from '../protocol/repository-key.ts';

/** What a server carries of what is canonical elsewhere. */
export interface Carrier {
  /**
   * The paths at which it serves what clients know by a URL, the best one first.
   * @param gitDir only those of this repository; null for all that are served
   */
  find(url: string, gitDir: string | null): Promise<readonly string[]>;
  /** The URLs that it carries, and of how many repositories these are not all. */
  urls(): Promise<{ urls: readonly string[]; more: number }>;
}

/** A cache carries everything under its bases, whether or not somebody has asked for it before. */
export function cacheCarrier(bases: readonly CacheBase[]): Carrier {
  return {
    find: async (url) => {
      const [, authority, path] = /^https?:\/\/(?:[^/?#]*@)?([^/?#]+)(\/[^?#]+)$/i.exec(url) ?? [];
      if (authority === undefined || path === undefined) return [];
      try {
        const below = `/${authority}${decodeURIComponent(path).replace(/\/+$/, '')}`;
        const place = cachedUrl(bases, below);
        return place !== null && repositoryKey(place.url) === repositoryKey(url) ? [below] : [];
      } catch {
        return [];
      }
    },
    urls: async () => ({ urls: bases.map(showBase), more: 0 }),
  };
}
