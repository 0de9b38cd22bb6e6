import type { Environment } from '../git/environment.ts';
import { findHttpBackend, servingEnvironment } from '../git/http-backend.ts';
import { gitVersion } from '../git/version.ts';
import type { Cache, CacheOptions } from './cache.ts';
import { GroupWatch } from './group-watch.ts';
import type { GroupSource } from './groups.ts';
import { type InTurn, Lists } from './lists.ts';
import { MemberHook, type MemberHooks } from './member-hook.ts';
import type { Metrics } from './metrics.ts';
import { openUpstream, type UpstreamOptions } from './open-upstream.ts';
import { SitePage } from './page/site-page.ts';
import { type PageSource, upstreamSource } from './page/source.ts';
import type { Patience } from './patience.ts';
import { openPlaces } from './places.ts';
import { Repositories } from './repositories.ts';
import type { SiteParts } from './site.ts';
import { Turns } from './turns.ts';
import { Views } from './views.ts';

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
  /** Tells of the groups that repositories of a folder are in; without, or without a page, nothing is told of them. */
  groups?: GroupSource | undefined;
  /** Whether clones are served as what they are clones of, too, and clients are told of which; by default they are. */
  carry?: boolean | undefined;
  /** What is done for forges that call when somebody has pushed to them; without, none is listened to. */
  memberHooks?: MemberHooks | undefined;
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
  const memberTurns = new Turns(options.maxChildren);
  if (upstream !== undefined) {
    const repositories = await openUpstream(upstream, options.env, patience, warn);
    const metrics = new Counted([turns]);
    return {
      repositories,
      metrics,
      page: pageOf(options, upstreamSource(repositories), metrics, { git: null, groups: null }),
      cache: null,
      views: null,
    };
  }
  const env = servingEnvironment(options.env);
  const program = await findHttpBackend(options.env);
  const git = await gitVersion({ env });
  const inTurn: InTurn = async (read, signal) => {
    const leave = await turns.take(signal, patience.turn);
    return leave === null ? null : read().finally(leave);
  };
  const lists = new Lists(env, inTurn, warn);
  const views = (options.carry ?? true) ? new Views(env, inTurn) : null;
  const carrying = views && { views, entriesOf: (gitDir: string) => lists.entries(gitDir) };
  const { cache, find, carrier, source } = await openPlaces(root, env, log, carrying);
  const groups = watchOf(options, source);
  const metrics = new Counted([turns, memberTurns], cache?.counts, groups);
  const hook = options.memberHooks === undefined ? null : new MemberHook(options.memberHooks, patience);
  return {
    repositories: new Repositories({
      find,
      program,
      env,
      turns,
      memberTurns,
      patience,
      lists,
      carrier,
      hook,
      warn,
    }),
    metrics,
    page: pageOf(options, source, metrics, { git, groups }),
    cache,
    views,
  };
}

// Whoever wants no page wants the names of repositories not to be told.
function watchOf({ groups, page, root, warn }: ServedOptions, source: PageSource): GroupWatch | null {
  if (groups === undefined || page === undefined || typeof root !== 'string') return null;
  return new GroupWatch({ source: groups, repositories: () => source.repositories(), warn });
}

function pageOf(
  { page, warn }: ServedOptions,
  source: PageSource,
  metrics: Metrics,
  { git, groups }: { git: string | null; groups: GroupWatch | null },
): SitePage | null {
  return page === undefined
    ? null
    : new SitePage({ ...page, source, git, groups, totals: () => metrics.totals(), warn });
}
