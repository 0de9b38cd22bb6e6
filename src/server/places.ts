import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import { realRoot } from './beforehand.ts';
import { Cache, type CacheOptions } from './cache.ts';
import { type Carrier, cacheCarrier } from './carrier.ts';
import { Clones } from './clones.ts';
import { findRepository } from './find-repository.ts';
import { ViewFinder } from './find-view.ts';
import { cacheSource, folderSource, type PageSource } from './page/source.ts';
import type { Found, Serving } from './repositories.ts';
import type { Service } from './service.ts';
import type { Views } from './views.ts';
import { pathOf } from './walk.ts';

/** Where the repositories of requests are, and what is known of all of them. */
export interface Places {
  find: Serving['find'];
  /** To be stopped with the server, and closed behind it; null where these are no copies. */
  cache: Cache | null;
  /** Null where nobody is told what is carried. */
  carrier: Carrier | null;
  /** What a page about them is made of. */
  source: PageSource;
}

/** What it takes to serve clones as what they are clones of. */
export interface Carrying {
  views: Views;
  /** The configuration of a repository; null where it cannot be read now. */
  entriesOf: (gitDir: string) => Promise<readonly ConfigEntry[] | null>;
}

/**
 * Looks where repositories are.
 * @param carrying null where clones are served as what they are, and nothing else
 * @throws GamError `bad-root`
 */
export async function openPlaces(
  root: string | CacheOptions,
  env: Environment,
  log: (line: string) => void,
  carrying: Carrying | null,
): Promise<Places> {
  if (typeof root !== 'string') {
    const cache = await Cache.open(root, env, log);
    const find: Serving['find'] = (service, exchange) => cache.find(service, exchange);
    return { find, cache, carrier: carrying && cacheCarrier(root.bases), source: cacheSource(cache) };
  }
  const folder = await realRoot(root);
  const plain = async (service: Service): Promise<Found> => {
    const found = await findRepository(folder, service);
    return 'refusal' in found ? found : { ...found, path: pathOf(folder, found.gitDir) };
  };
  const source = folderSource(folder, env);
  if (carrying === null) return { find: plain, cache: null, carrier: null, source };
  const { views, entriesOf } = carrying;
  const finder = new ViewFinder(folder, views, entriesOf);
  const find = async (service: Service): Promise<Found> => {
    const found = await plain(service);
    // A repository of that very path comes first: it was served there before there were views.
    return 'refusal' in found ? ((await finder.find(service)) ?? found) : found;
  };
  return { find, cache: null, carrier: new Clones(folder, entriesOf), source };
}
