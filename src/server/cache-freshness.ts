import type { CachedUrl } from '../mirror/cache-base.ts';
import type { CacheCounts } from './cache-counts.ts';
import type { CacheOutcome } from './cache-fetch.ts';
import { type CacheFlights, waitFor } from './cache-flights.ts';
import type { CacheFolder } from './cache-folder.ts';
import { type CachedCopy, readCopy } from './cached-copy.ts';
import type { Exchange } from './exchange.ts';
import type { Found } from './repositories.ts';

/**
 * For how long a cache waits, in milliseconds: for a refresh and for a first fetch, which both go on without their client; and
 * until canonical is asked again, where it did not answer.
 */
const PATIENCE = { refresh: 15_000, first: 600_000, again: 30_000 };

/** So often is canonical asked for one request: what is waited for may have begun before that came. */
const ROUNDS = 3;

/**
 * What a copy is wanted for. A greeting has canonical asked, and so has a look at its list; what a client wants behind a greeting is
 * what that one has shown it.
 */
export type Wanted = 'greeting' | 'list' | 'rest';

/** A copy that is older than it should be, since canonical could not be asked. */
export interface Stale {
  /** Since canonical has last confirmed it. */
  seconds: number;
  /** One line. */
  why: string;
}

/** What is known of how fresh copies are, and of what keeps them from being so. */
export class CacheFreshness {
  readonly #folder: CacheFolder;
  readonly #flights: CacheFlights;
  readonly #counts: CacheCounts;
  readonly #ttl: number;
  /** When canonical has failed to answer for a copy that is here, by its folder. */
  readonly #failed = new Map<string, { at: number; why: string }>();

  readonly #hits = new Map<string, number>();

  /** @param ttl milliseconds for which a copy is young */
  constructor(folder: CacheFolder, flights: CacheFlights, counts: CacheCounts, ttl: number) {
    this.#folder = folder;
    this.#flights = flights;
    this.#counts = counts;
    this.#ttl = ttl;
  }

  /** Whether a copy is older than it should be, since canonical did not answer when it was last asked; null if not. */
  stale(folder: string, { confirmed, isGone }: CachedCopy): Stale | null {
    const failed = this.#failed.get(folder);
    const now = Date.now();
    if (failed === undefined || isGone || isYoung(confirmed, now - this.#ttl)) return null;
    return { seconds: Math.max(0, Math.floor((now - confirmed) / 1000)), why: failed.why };
  }

  /** Whether canonical need not be asked about a copy yet. */
  isYoung({ confirmed }: CachedCopy): boolean {
    return isYoung(confirmed, Date.now() - this.#ttl);
  }

  /** Greetings from a copy for which nothing had to be fetched. */
  hits(folder: string): number {
    return this.#hits.get(folder) ?? 0;
  }

  /** A copy is there no more. */
  removed(folder: string): void {
    this.#hits.delete(folder);
    this.#confirmed(folder);
  }

  /** Waits until a copy may be served, or it is clear why there is none. Nothing is fetched for the first time for its list alone. */
  async ready(
    place: CachedUrl,
    exchange: Exchange,
    wanted: Wanted,
  ): Promise<{ copy: CachedCopy } | { refused: Found }> {
    const counts = this.#counts;
    const greets = wanted === 'greeting';
    const asked = Date.now();
    for (let round = 0; ; round += 1) {
      const copy = await readCopy(this.#folder.gitDir(place.folder));
      const isHere = copy !== null && !copy.isGone;
      const isGood = isHere && (wanted === 'rest' || isYoung(copy.confirmed, asked - this.#ttl));
      if (greets && round === 0 && isGood) this.#hit(place.folder);
      if (greets && round === 0 && !isHere) counts.misses += 1;
      if (isGood || (isHere && round === ROUNDS)) return { copy };
      if (!isHere && wanted === 'list') return { refused: goneFor(place, 'it is not here') };
      const failed = this.#failed.get(place.folder);
      if (isHere && failed && Date.now() - failed.at < Math.min(this.#ttl, PATIENCE.again))
        return this.#serveStale(copy, exchange, wanted, failed.why);
      if (round === ROUNDS) return { refused: goneFor(place, 'it does not stay') };
      const outcome = await this.#fly(place, exchange, isHere);
      if (outcome?.kind === 'whole') continue;
      if (!isHere || outcome?.kind === 'refused') return { refused: refusalOf(place, outcome) };
      const why = outcome?.why ?? 'canonical is slow';
      this.#failed.set(place.folder, { at: Date.now(), why });
      counts.staleCopies = this.#failed.size;
      return this.#serveStale(copy, exchange, wanted, why);
    }
  }

  // What comes of it counts also when nobody waits any more.
  async #fly(place: CachedUrl, { gone }: Exchange, isHere: boolean): Promise<CacheOutcome | null> {
    const flight = this.#flights.fly(place).then((outcome) => {
      if (outcome.kind !== 'failed') this.#confirmed(place.folder);
      return outcome;
    });
    return waitFor(flight, gone, isHere ? PATIENCE.refresh : PATIENCE.first);
  }

  #hit(folder: string): void {
    this.#counts.hits += 1;
    this.#hits.set(folder, this.hits(folder) + 1);
  }

  // Canonical has spoken, be it by a no.
  #confirmed(folder: string): void {
    this.#failed.delete(folder);
    this.#counts.staleCopies = this.#failed.size;
  }

  #serveStale(copy: CachedCopy, exchange: Exchange, wanted: Wanted, why: string): { copy: CachedCopy } {
    if (wanted === 'greeting') this.#counts.stale += 1;
    exchange.reason = `stale: ${why}`;
    return { copy };
  }
}

// A clock that was set back makes nothing younger.
function isYoung(confirmed: number, since: number): boolean {
  return confirmed >= since && confirmed <= Date.now();
}

function goneFor({ url }: CachedUrl, why: string): Found {
  return { refusal: why, told: `no ${url} for this cache: ${why}` };
}

function refusalOf(place: CachedUrl, outcome: Exclude<CacheOutcome, { kind: 'whole' }> | null): Found {
  if (outcome?.kind === 'refused') return goneFor(place, outcome.why);
  const headers = { 'Retry-After': '30' };
  if (outcome === null) {
    const told = `${place.url} is still being fetched; try again in a moment`;
    return { status: 503, refusal: 'still being fetched', told, headers };
  }
  const told = `cannot fetch ${place.url}; the log of the cache says why`;
  return { status: 502, refusal: outcome.why, told, headers };
}
