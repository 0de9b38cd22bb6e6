import type { Environment } from '../git/environment.ts';
import { tidyMirror } from '../git/mirror-repository.ts';
import type { CacheBase, CachedUrl } from '../mirror/cache-base.ts';
import { printable } from '../protocol/text.ts';
import type { CacheCounts } from './cache-counts.ts';
import { type CacheOutcome, fetchCopy } from './cache-fetch.ts';
import type { CacheFolder } from './cache-folder.ts';
import type { CacheRoom } from './cache-room.ts';
import { Turns } from './turns.ts';

/** What copies are fetched with. */
export interface CacheFlying {
  folder: CacheFolder;
  bases: readonly CacheBase[];
  /** As fetchingEnvironment() makes it. */
  env: Environment;
  /** Milliseconds for which a copy is young. */
  ttl: number;
  /** Milliseconds until canonical must have begun to answer. */
  connectTimeout: number;
  room: CacheRoom;
  counts: CacheCounts;
  log: (line: string) => void;
}

/** So many fetches run at a time, and so many wait for their turn at most, since they do so without their clients, too. */
const MAX_RUNNING = 8;
const MAX_WAITING = 500;

/** Milliseconds for a turn. */
const TURN_MS = 600_000;

const STOPPING = { kind: 'failed', why: 'the server is stopping' } as const;
const BUSY = { kind: 'failed', why: 'too much else is being fetched' } as const;

interface Flight {
  url: string;
  since: number;
  outcome: Promise<CacheOutcome>;
}

/** The fetches that are on their way, one for each repository, however many clients wait for it, or have ceased to. */
export class CacheFlights {
  readonly #flying: CacheFlying;
  readonly #turns = new Turns(MAX_RUNNING);
  readonly #stop = new AbortController();
  readonly #flights = new Map<string, Flight>();
  readonly #tidying = new Map<string, Promise<void>>();

  constructor(flying: CacheFlying) {
    this.#flying = flying;
  }

  /** Brings a copy to where canonical is, or joins whoever is doing so. Does not reject. */
  fly(place: CachedUrl): Promise<CacheOutcome> {
    const running = this.#flights.get(place.folder);
    if (running !== undefined) return running.outcome;
    if (this.#flights.size >= MAX_RUNNING + MAX_WAITING) return Promise.resolve(BUSY);
    const outcome = this.#fly(place)
      .catch((error: unknown): CacheOutcome => ({ kind: 'failed', why: wordsOf(error) }))
      .finally(() => this.#flights.delete(place.folder));
    this.#flights.set(place.folder, { url: place.url, since: Date.now(), outcome });
    return outcome;
  }

  /** What is being fetched now, and since when, in milliseconds since the epoch. */
  underway(): { folder: string; url: string; since: number }[] {
    return [...this.#flights].map(([folder, { url, since }]) => ({ folder, url, since }));
  }

  /** Ends all of them; whoever waits learns so. Resolves when no git is left. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#turns.close();
    while (this.#flights.size + this.#tidying.size > 0)
      await Promise.all([...this.#outcomes(), ...this.#tidying.values()]);
  }

  #outcomes(): Promise<CacheOutcome>[] {
    return [...this.#flights.values()].map(({ outcome }) => outcome);
  }

  async #fly(place: CachedUrl): Promise<CacheOutcome> {
    const { folder, ttl } = this.#flying;
    const began = performance.now();
    const since = Date.now() - ttl;
    const turn = await this.#turns.take(this.#stop.signal, TURN_MS);
    if (turn === null) return this.#turns.closed ? STOPPING : BUSY;
    // Whoever waits may leave; the copy is still needed.
    const release = await folder.need(place.folder);
    try {
      const outcome = await fetchCopy({ ...this.#flying, signal: this.#stop.signal }, place, since).catch(
        (error: unknown): CacheOutcome => ({ kind: 'failed', why: wordsOf(error) }),
      );
      this.#tell(place, outcome, performance.now() - began);
      if (outcome.kind === 'whole' && outcome.what !== 'nothing') await this.#flying.room.look();
      if (outcome.kind === 'whole' && outcome.what === 'refreshed') this.#tidy(place.folder);
      return outcome;
    } finally {
      release();
      turn();
    }
  }

  #tell({ url }: CachedUrl, outcome: CacheOutcome, elapsed: number): void {
    const { counts, log } = this.#flying;
    const took = `${Math.round(elapsed)} ms`;
    if (outcome.kind !== 'whole') {
      counts.failures += 1;
      const words = outcome.kind === 'failed' ? 'cannot be fetched' : 'is not for this cache';
      log(`${url} ${words}: ${outcome.why} (${took})`);
    } else if (outcome.what !== 'nothing') {
      counts[outcome.what === 'fetched' ? 'fetches' : 'refreshes'] += 1;
      log(`${outcome.what} ${url} in ${took}`);
    }
  }

  // Nobody waits for it; git serves and fetches meanwhile.
  #tidy(place: string): void {
    const { env, folder, log } = this.#flying;
    if (this.#tidying.has(place) || this.#stop.signal.aborted) return;
    const work = async () => {
      const release = await folder.need(place);
      await tidyMirror(folder.gitDir(place), env, this.#stop.signal).finally(release);
    };
    const tidying = work()
      .catch((error: unknown) => log(wordsOf(error)))
      .finally(() => this.#tidying.delete(place));
    this.#tidying.set(place, tidying);
  }
}

function wordsOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}

/**
 * Waits for a flight, which goes on without whoever has left or lost patience.
 * @param patience in milliseconds
 * @returns null then
 */
export async function waitFor<T>(flight: Promise<T>, gone: AbortSignal, patience: number): Promise<T | null> {
  if (gone.aborted) return null;
  return new Promise((resolve) => {
    const settle = (value: T | null) => {
      clearTimeout(timer);
      gone.removeEventListener('abort', giveUp);
      resolve(value);
    };
    const giveUp = () => settle(null);
    const timer = setTimeout(giveUp, patience);
    gone.addEventListener('abort', giveUp, { once: true });
    flight.then(settle, giveUp);
  });
}
