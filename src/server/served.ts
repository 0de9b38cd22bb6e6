import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import { findHttpBackend, servingEnvironment } from '../git/http-backend.ts';
import { gitVersion } from '../git/version.ts';
import { realRoot } from './beforehand.ts';
import { Cache, type CacheOptions } from './cache.ts';
import { type Carrier, cacheCarrier } from './carrier.ts';
import { Clones } from './clones.ts';
import { findRepository } from './find-repository.ts';
import { ViewFinder } from './find-view.ts';
import { type InTurn, Lists } from './lists.ts';
import type { Metrics } from './metrics.ts';
import { openUpstream, type UpstreamOptions } from './open-upstream.ts';
import { SitePage } from './page/site-page.ts';
import type { Patience } from './patience.ts';
import { type Found, Repositories, type Serving } from './repositories.ts';
import type { Service } from './service.ts';
import type { SiteParts } from './site.ts';
import { Turns } from './turns.ts';
import { Views } from './views.ts';

/** What requests are answered from. */
export interface ServedOptions {
  /** The folder with the repositories, or the cache of those of others; not looked at where there is an upstream. */
  root: string | CacheOptions;
  /** A git server that all requests are passed on to; there is no page then. */
  upstream?: UpstreamOptions | undefined;
  env: Environment;
  /** So many requests have git at work at a time. */
  maxChildren: number;
  /** Which gam this is, for its page at `/-/`; without, there is none. `checkMirrors`: mirrors are looked at also while nobody looks. */
  page?: { version: string; checkMirrors: boolean } | undefined;
  /** Whether clones are served as what they are clones of, too, and clients are told of which; by default they are. */
  carry?: boolean | undefined;
  /** Takes a line for each request. */
  log: (line: string) => void;
  /** Takes what the administrator should see to. */
  warn: (line: string) => void;
  patience: Patience;
}

/** What answers requests, and what is known of it. */
export interface Served {
  repositories: SiteParts['repositories'];
  metrics: Metrics;
  page: SitePage | null;
  /** To be stopped with the server, and closed behind it. */
  cache: Cache | null;
  /** As the cache. */
  views: Views | null;
}

/**
 * Opens what requests are answered from.
 * @throws GamError `bad-root`, `bad-config`, `usage` or `git-missing`
 */
export async function openServed(options: ServedOptions): Promise<Served> {
  const { log, patience, root, upstream, warn } = options;
  const { Metrics: Counted } = await import('./metrics.ts');
  const turns = new Turns(options.maxChildren);
  if (upstream !== undefined) {
    const repositories = await openUpstream(upstream, options.env, patience, warn);
    return { repositories, metrics: new Counted(turns), page: null, cache: null, views: null };
  }
  const env = servingEnvironment(options.env);
  const program = await findHttpBackend(options.env);
  const git = await gitVersion({ env });
  const inTurn: InTurn = async (read, signal) => {
    const leave = await turns.take(signal, patience.turn);
    return leave === null ? null : read().finally(leave);
  };
  const lists = new Lists(env, inTurn, warn);
  const { carry = true } = options;
  const views = carry ? new Views(env, inTurn) : null;
  const carrying = views && { views, entriesOf: (gitDir: string) => lists.entries(gitDir) };
  const { cache, find, folder, carrier } = await placesOf(root, env, log, carrying);
  const metrics = new Counted(turns, cache?.counts);
  const shown = { root: folder, env, git, totals: () => metrics.totals(), warn };
  return {
    repositories: new Repositories({ find, program, env, turns, patience, lists, carrier, warn }),
    metrics,
    page: options.page === undefined ? null : new SitePage({ ...shown, ...options.page }),
    cache,
    views,
  };
}

interface Places {
  folder: string;
  cache: Cache | null;
  find: Serving['find'];
  carrier: Carrier | null;
}

/** What it takes to serve clones as what they are clones of. */
interface Carrying {
  views: Views;
  entriesOf: (gitDir: string) => Promise<readonly ConfigEntry[] | null>;
}

async function placesOf(
  root: string | CacheOptions,
  env: Environment,
  log: (line: string) => void,
  carrying: Carrying | null,
): Promise<Places> {
  if (typeof root !== 'string') {
    const cache = await Cache.open(root, env, log);
    const find: Serving['find'] = (service, exchange) => cache.find(service, exchange);
    return { folder: cache.root, cache, find, carrier: carrying && cacheCarrier(root.bases) };
  }
  const folder = await realRoot(root);
  const plain = (service: Service) => findRepository(folder, service);
  if (carrying === null) return { folder, cache: null, find: plain, carrier: null };
  const { views, entriesOf } = carrying;
  const finder = new ViewFinder(folder, views, entriesOf);
  const find = async (service: Service): Promise<Found> => {
    const found = await plain(service);
    // A repository of that very path comes first: it was served there before there were views.
    return 'refusal' in found ? ((await finder.find(service)) ?? found) : found;
  };
  return { folder, cache: null, find, carrier: new Clones(folder, entriesOf) };
}
