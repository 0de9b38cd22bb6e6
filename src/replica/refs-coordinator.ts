import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import type { RefSwap, StoredRef } from '../git/swap-refs.ts';
import type { Coordinator, HeldLock, Lease, LockOptions } from './coordinator.ts';
import { LOCK_REFS, lockedFor, lockRef, refOfLock, refOfState, STATE_REFS } from './group-refs.ts';
import { lockTimeout } from './lock-errors.ts';
import { heldLock, type LockRecord, parseLockRecord } from './lock-record.ts';
import { isUncertain, type RefsArbiter } from './refs-arbiter.ts';
import { RefsLease } from './refs-lease.ts';

/** How long a lock holds without being renewed, and how often one that is held is looked at; in milliseconds. */
export interface Pace {
  leaseMs: number;
  firstLookMs: number;
  lookMs: number;
}

const PACE: Pace = { leaseMs: 15_000, firstLookMs: 50, lookMs: 1000 };

/** A lock as it was first seen. */
interface Seen {
  oid: string;
  record: LockRecord | null;
  /** On performance.now()'s clock. */
  at: number;
}

/**
 * A coordinator in the refs of one member, the arbiter: state and locks are refs there, changed by atomic compare-and-swap pushes. So any
 * transport of git's will do, and nothing need be installed.
 *
 * No two clocks are compared. Whoever waits for a lock watches its record: one that has stayed the same for its whole lease,
 * by the watcher's own steady clock, was not renewed, and is swapped for the watcher's. A holder that returns late finds another
 * record than its own, and every commit swaps that record along with the state: it changes nothing.
 */
export class RefsCoordinator implements Coordinator {
  readonly #arbiter: RefsArbiter;
  readonly #pace: Pace;

  constructor(arbiter: RefsArbiter, pace: Partial<Pace> = {}) {
    this.#arbiter = arbiter;
    this.#pace = { ...PACE, ...pace };
  }

  async lock(refs: readonly string[], options: LockOptions): Promise<Lease> {
    const { holder, transaction, signal, waiting } = options;
    const record: LockRecord = {
      holder,
      transaction,
      since: Date.now(),
      leaseMs: this.#pace.leaseMs,
      renewal: 0,
      changes: [],
    };
    const mine = this.#arbiter.idOf(record);
    const wanted = lockedFor(refs);
    const seen = new Map<string, Seen>();
    for (let wait = this.#pace.firstLookMs; ; wait = Math.min(wait * 1.5, this.#pace.lookMs)) {
      const began = performance.now();
      const dead = wanted.flatMap((ref) => (this.#isOverdue(seen.get(ref)) ? [seen.get(ref) as Seen] : []));
      await this.#completeCommits(dead);
      const old = (ref: string) => (this.#isOverdue(seen.get(ref)) ? (seen.get(ref)?.oid ?? null) : null);
      const swaps = wanted.map((ref) => ({ ref: lockRef(ref), old: old(ref), new: mine }));
      const now = await this.#take(swaps, mine, record);
      if (now === null) return new RefsLease(this.#arbiter, wanted, mine, record, began);
      if (typeof now !== 'string') look(wanted, now, seen);
      const [held] = wanted.flatMap((ref) => this.#heldBy(ref, seen.get(ref)));
      if (held !== undefined) waiting?.(held);
      await pause(wait * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {
        throw lockTimeout(held ?? null, typeof now === 'string' ? now : null);
      });
    }
  }

  async state(): Promise<ReadonlyMap<string, string>> {
    const refs = await this.#arbiter.list([STATE_REFS]);
    return new Map([...refs].map(([name, { oid }]) => [refOfState(name), oid]));
  }

  async locks(): Promise<HeldLock[]> {
    const locks = await this.#arbiter.list([LOCK_REFS]);
    return [...locks].flatMap(([name, { text }]) => {
      const record = parseLockRecord(text ?? '');
      return record === null ? [] : [heldLock(refOfLock(name), record)];
    });
  }

  async close(): Promise<void> {}

  // A line that breaks behind the push has the locks taken, and nobody knows.
  async #take(
    swaps: readonly RefSwap[],
    mine: string,
    record: LockRecord,
  ): Promise<ReadonlyMap<string, StoredRef> | string | null> {
    try {
      return await this.#arbiter.swap(swaps, record);
    } catch (error) {
      // While the arbiter moves, nobody is it, for a moment.
      if (error instanceof GamError && error.code === 'arbiter-moved') return error.message;
      if (!isUncertain(error)) throw error;
      const now = await this.#arbiter.list([LOCK_REFS]);
      if (swaps.every(({ ref }) => now.get(ref)?.oid === mine)) return null;
      throw error;
    }
  }

  // A lock whose holder is gone may be one of several of a commit that the arbiter's git was killed in.
  async #completeCommits(dead: readonly Seen[]): Promise<void> {
    const transactions = new Set(dead.flatMap(({ record }) => record?.transaction ?? []));
    for (const transaction of transactions)
      await this.#arbiter.complete(await this.#arbiter.changesOf(transaction));
  }

  #isOverdue(seen: Seen | undefined): boolean {
    if (seen === undefined) return false;
    return performance.now() - seen.at > (seen.record?.leaseMs ?? this.#pace.leaseMs);
  }

  #heldBy(ref: string, seen: Seen | undefined): HeldLock[] {
    const record = seen?.record ?? null;
    return record === null || this.#isOverdue(seen) ? [] : [heldLock(ref, record)];
  }
}

function look(wanted: readonly string[], now: ReadonlyMap<string, StoredRef>, seen: Map<string, Seen>): void {
  const at = performance.now();
  for (const ref of wanted) {
    const stored = now.get(lockRef(ref));
    if (stored === undefined) seen.delete(ref);
    else if (seen.get(ref)?.oid !== stored.oid)
      seen.set(ref, { oid: stored.oid, at, record: parseLockRecord(stored.text ?? '') });
  }
}
