import type { Environment } from '../git/environment.ts';
import { fetchingEnvironment } from '../git/mirror-repository.ts';
import { type CacheBase, type CachedUrl, cachedUrl, showBase } from '../mirror/cache-base.ts';
import { type CacheCounts, newCounts } from './cache-counts.ts';
import type { CacheOutcome } from './cache-fetch.ts';
import { CacheFlights, waitFor } from './cache-flights.ts';
import { CacheFolder } from './cache-folder.ts';
import { CacheRoom } from './cache-room.ts';
import { type CachedCopy, markUsed, readCopy } from './cached-copy.ts';
import type { Exchange } from './exchange.ts';
import type { Found } from './repositories.ts';
import type { Service } from './service.ts';

/** What a cache is for, and how far it goes. */
export interface CacheOptions {
  folder: string;
  bases: readonly CacheBase[];
  /** Milliseconds for which canonical is not asked again. */
  ttl: number;
  /** Bytes of all copies; Infinity for no limit. */
  size: number;
}

/**
 * For how long a cache waits, in milliseconds: for canonical to begin to answer, which is shorter than gam's own patience with
 * a mirror; for a refresh and for a first fetch, which both go on without their client; and until canonical is asked again,
 * where it did not answer.
 */
const PATIENCE = { connect: 4000, refresh: 15_000, first: 600_000, again: 30_000 };

/** So often is canonical asked for one request: what is waited for may have begun before that came. */
const ROUNDS = 3;

/** A mirror of all repositories under some URLs, each fetched when somebody asks for it first. */
export class Cache {
  readonly counts: CacheCounts;
  readonly #options: CacheOptions;
  readonly #folder: CacheFolder;
  readonly #room: CacheRoom;
  readonly #flights: CacheFlights;
  /** When canonical has failed to answer for a copy that is here. */
  readonly #failed = new Map<string, { at: number; why: string }>();

  private constructor(
    options: CacheOptions,
    folder: CacheFolder,
    env: Environment,
    log: (line: string) => void,
  ) {
    const counts = newCounts();
    const { bases, size, ttl } = options;
    const room = new CacheRoom(folder, size, counts, log);
    const connectTimeout = PATIENCE.connect;
    const flying = { folder, bases, ttl, env: fetchingEnvironment(env), connectTimeout, room, counts, log };
    this.counts = counts;
    this.#options = options;
    this.#folder = folder;
    this.#room = room;
    this.#flights = new CacheFlights(flying);
  }

  /**
   * Opens a cache.
   * @param env as servingEnvironment() makes it
   * @param log takes a line for each time that canonical was asked
   * @throws GamError `bad-root`
   */
  static async open(options: CacheOptions, env: Environment, log: (line: string) => void): Promise<Cache> {
    const folder = await CacheFolder.open(options.folder);
    const cache = new Cache(options, folder, env, (line) => log(`gam: ${line}`));
    await cache.#room.look();
    return cache;
  }

  /** The folder with the copies, without symbolic links. */
  get root(): string {
    return this.#folder.root;
  }

  /** Ends every fetch. */
  async stop(): Promise<void> {
    await this.#flights.stop();
  }

  /** Takes away what is of use to this server only; to be called when nobody is served any more. */
  async close(): Promise<void> {
    await this.#room.look();
    await this.#folder.close();
  }

  /** The copy for a request, after canonical was asked, if need be; it stays until it is left. */
  async find(service: Service, exchange: Exchange): Promise<Found> {
    const place = cachedUrl(this.#options.bases, service.repository);
    if (place === null) {
      const bases = this.#options.bases.map(showBase).join(', ');
      const told = `this cache answers at /<host>/<path>, for what is under ${bases}`;
      return { refusal: 'under none of the bases', told };
    }
    if (service.name === 'receive-pack')
      return { status: 403, refusal: 'a push', told: `a cache takes no pushes; push to ${place.url}` };
    if (service.name !== 'upload-pack')
      return { refusal: 'no smart fetch', told: 'a cache serves fetches by smart http, and nothing else' };
    const release = await this.#folder.need(place.folder);
    const leave = () => {
      release();
      if (this.#room.isOver) void this.#room.look();
    };
    let refusal: Found | null = null;
    try {
      refusal = await this.#ready(place, exchange, service.rest === '/info/refs');
      if (refusal !== null) return refusal;
      const gitDir = this.#folder.gitDir(place.folder);
      await markUsed(gitDir);
      return { gitDir, leave };
    } catch (error) {
      leave();
      throw error;
    } finally {
      if (refusal !== null) leave();
    }
  }

  // Only a greeting asks canonical: what a client wants next is what that one has shown it.
  async #ready(place: CachedUrl, exchange: Exchange, greets: boolean): Promise<Found | null> {
    const { ttl } = this.#options;
    const asked = Date.now();
    for (let round = 0; ; round += 1) {
      const copy = await readCopy(this.#folder.gitDir(place.folder));
      const isHere = copy !== null && !copy.isGone;
      const isGood = isHere && (!greets || isYoung(copy, asked - ttl));
      if (greets && round === 0 && isGood) this.counts.hits += 1;
      if (greets && round === 0 && !isHere) this.counts.misses += 1;
      if (isGood || (isHere && round === ROUNDS)) return null;
      const failed = this.#failed.get(place.folder);
      if (isHere && failed && Date.now() - failed.at < Math.min(ttl, PATIENCE.again))
        return this.#stale(exchange, failed.why);
      if (round === ROUNDS) return gone(place, 'it does not stay');
      const patience = isHere ? PATIENCE.refresh : PATIENCE.first;
      const outcome = await waitFor(this.#flights.fly(place), exchange.gone, patience);
      if (outcome?.kind === 'whole') this.#failed.delete(place.folder);
      else if (isHere && outcome?.kind !== 'refused')
        return this.#failedFor(place, exchange, outcome?.why ?? 'canonical is slow');
      else return refusalOf(place, outcome);
    }
  }

  #failedFor({ folder }: CachedUrl, exchange: Exchange, why: string): null {
    this.#failed.set(folder, { at: Date.now(), why });
    return this.#stale(exchange, why);
  }

  #stale(exchange: Exchange, why: string): null {
    this.counts.stale += 1;
    exchange.reason = `stale: ${why}`;
    return null;
  }
}

// A clock that was set back makes nothing younger.
function isYoung({ confirmed }: CachedCopy, since: number): boolean {
  return confirmed >= since && confirmed <= Date.now();
}

function gone({ url }: CachedUrl, why: string): Found {
  return { refusal: why, told: `no ${url} for this cache: ${why}` };
}

function refusalOf(place: CachedUrl, outcome: Exclude<CacheOutcome, { kind: 'whole' }> | null): Found {
  if (outcome?.kind === 'refused') return gone(place, outcome.why);
  const headers = { 'Retry-After': '30' };
  if (outcome === null) {
    const told = `${place.url} is still being fetched; try again in a moment`;
    return { status: 503, refusal: 'still being fetched', told, headers };
  }
  const told = `cannot fetch ${place.url}; the log of the cache says why`;
  return { status: 502, refusal: outcome.why, told, headers };
}
