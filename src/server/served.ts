import type { Environment } from '../git/environment.ts';
import { findHttpBackend, servingEnvironment } from '../git/http-backend.ts';
import { gitVersion } from '../git/version.ts';
import { realRoot } from './beforehand.ts';
import { Cache, type CacheOptions } from './cache.ts';
import { findRepository } from './find-repository.ts';
import type { Metrics } from './metrics.ts';
import { openUpstream, type UpstreamOptions } from './open-upstream.ts';
import { SitePage } from './page/site-page.ts';
import { cacheSource, folderSource, type PageSource, upstreamSource } from './page/source.ts';
import type { Patience } from './patience.ts';
import { Repositories, type Serving } from './repositories.ts';
import type { SiteParts } from './site.ts';
import { Turns } from './turns.ts';
import { pathOf } from './walk.ts';

/** What requests are answered from. */
export interface ServedOptions {
  /** The folder with the repositories, or the cache of those of others; not looked at where there is an upstream. */
  root: string | CacheOptions;
  /** A git server that all requests are passed on to. */
  upstream?: UpstreamOptions | undefined;
  env: Environment;
  /** So many requests have git at work at a time. */
  maxChildren: number;
  /** Which gam this is, for its page at `/-/` (with an upstream, `/-/gam/`); without, there is none. `checkMirrors`: mirrors are looked at also while nobody looks. */
  page?: { version: string; checkMirrors: boolean } | undefined;
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
    const metrics = new Counted(turns);
    return {
      repositories,
      metrics,
      page: pageOf(options, upstreamSource(repositories), metrics, null),
      cache: null,
    };
  }
  const env = servingEnvironment(options.env);
  const program = await findHttpBackend(options.env);
  const git = await gitVersion({ env });
  const { cache, find, source } = await placesOf(root, env, log);
  const metrics = new Counted(turns, cache?.counts);
  return {
    repositories: new Repositories({ find, program, env, turns, patience, warn }),
    metrics,
    page: pageOf(options, source, metrics, git),
    cache,
  };
}

function pageOf(
  { page, warn }: ServedOptions,
  source: PageSource,
  metrics: Metrics,
  git: string | null,
): SitePage | null {
  return page === undefined
    ? null
    : new SitePage({ ...page, source, git, totals: () => metrics.totals(), warn });
}

async function placesOf(
  root: string | CacheOptions,
  env: Environment,
  log: (line: string) => void,
): Promise<{ cache: Cache | null; find: Serving['find']; source: PageSource }> {
  if (typeof root === 'string') {
    const folder = await realRoot(root);
    const find: Serving['find'] = async (service) => {
      const found = await findRepository(folder, service);
      return 'refusal' in found ? found : { ...found, path: pathOf(folder, found.gitDir) };
    };
    return { cache: null, find, source: folderSource(folder, env) };
  }
  const cache = await Cache.open(root, env, log);
  const find: Serving['find'] = (service, exchange) => cache.find(service, exchange);
  return { cache, find, source: cacheSource(cache) };
}
