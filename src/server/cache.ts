import { readMirrorList } from '../config/mirror-list.ts';
import type { Environment } from '../git/environment.ts';
import { fetchingEnvironment } from '../git/mirror-repository.ts';
import { type CacheBase, type CachedUrl, cachedUrl, showBase } from '../mirror/cache-base.ts';
import { LONGEST_TTL } from '../protocol/mirror-list.ts';
import { addressOf, listCopies } from './cache-copies.ts';
import { type CacheCounts, newCounts } from './cache-counts.ts';
import { urlOf } from './cache-fetch.ts';
import { CacheFlights } from './cache-flights.ts';
import { CacheFolder } from './cache-folder.ts';
import { CacheFreshness, type Wanted } from './cache-freshness.ts';
import { CacheRoom } from './cache-room.ts';
import { type CachedCopy, markUsed } from './cached-copy.ts';
import type { Exchange } from './exchange.ts';
import type { Found, FoundHere } from './repositories.ts';
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

/** Milliseconds until canonical must have begun to answer: less than gam's own patience with a mirror. */
const CONNECT_MS = 4000;

function wantedBy({ name, rest }: Service): Wanted {
  if (name === 'mirrors') return 'list';
  return rest === '/info/refs' ? 'greeting' : 'rest';
}

/** A mirror of all repositories under some URLs, each fetched when somebody asks for it first. */
export class Cache {
  readonly counts: CacheCounts;
  readonly #options: CacheOptions;
  readonly #folder: CacheFolder;
  readonly #room: CacheRoom;
  readonly #flights: CacheFlights;
  readonly #freshness: CacheFreshness;

  private constructor(
    options: CacheOptions,
    folder: CacheFolder,
    env: Environment,
    log: (line: string) => void,
  ) {
    const counts = newCounts();
    const { bases, size, ttl } = options;
    const room = new CacheRoom(folder, size, counts, log, (name) => this.#freshness.removed(name));
    const connectTimeout = CONNECT_MS;
    const flying = { folder, bases, ttl, env: fetchingEnvironment(env), connectTimeout, room, counts, log };
    this.counts = counts;
    this.#options = options;
    this.#folder = folder;
    this.#room = room;
    this.#flights = new CacheFlights(flying);
    this.#freshness = new CacheFreshness(folder, this.#flights, counts, ttl);
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

  /** As listCopies() has them. */
  async copies(most: number): ReturnType<typeof listCopies> {
    const [flights, folder, freshness] = [this.#flights, this.#folder, this.#freshness];
    return listCopies({ bases: this.#options.bases, flights, folder, freshness }, most);
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
    if (service.name !== 'upload-pack' && service.name !== 'mirrors')
      return { refusal: 'no smart fetch', told: 'a cache serves fetches by smart http, and nothing else' };
    const release = await this.#folder.need(place.folder);
    const leave = () => {
      release();
      if (this.#room.isOver) void this.#room.look();
    };
    let isLeft = true;
    try {
      const ready = await this.#freshness.ready(place, exchange, wantedBy(service));
      if ('refused' in ready) return ready.refused;
      if (service.name === 'upload-pack') await markUsed(this.#folder.gitDir(place.folder));
      isLeft = false;
      return { ...this.#here(place, ready.copy), leave };
    } finally {
      if (isLeft) leave();
    }
  }

  // What a copy tells of itself: whose it is, and since when nobody knows whether it still is so. Mirrors beside this one it knows none.
  #here(place: CachedUrl, copy: CachedCopy): FoundHere {
    const canonical = urlOf(place, copy);
    const stale = this.#freshness.stale(place.folder, copy)?.seconds ?? null;
    const ttl = Math.min(Math.ceil(this.#options.ttl / 1000), LONGEST_TTL);
    const settings = { ...readMirrorList([]).settings, enabled: true, canonical: [canonical], ttl };
    const gitDir = this.#folder.gitDir(place.folder);
    return { gitDir, path: addressOf(canonical), told: { settings, stale } };
  }
}
