import { GamError } from '../errors.ts';
import type { RefSwap } from '../git/swap-refs.ts';
import type { Lease, StateChange } from './coordinator.ts';
import { LOCK_REFS, lockRef, stateRef, WIDE } from './group-refs.ts';
import { leaseLost, replicaBehind } from './lock-errors.ts';
import type { LockRecord } from './lock-record.ts';
import { isUncertain, type RefsArbiter, type Stored } from './refs-arbiter.ts';

/** A lease is renewed when a third of it is over: two renewals may fail. */
const RENEWALS = 3;

/** Locks in the refs of an arbiter. */
export class RefsLease implements Lease {
  readonly refs: readonly string[];
  readonly #arbiter: RefsArbiter;
  readonly #lost = new AbortController();
  /** What stands in each lock: this one's record of the last swap. */
  readonly #records: Map<string, string>;
  readonly #timer: NodeJS.Timeout;
  #record: LockRecord;
  /** Until when the locks hold if nobody renews them, on performance.now()'s clock. */
  #until: number;
  /** One swap at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param oid the record that stands in the locks
   * @param began when the swap that took them was begun, on performance.now()'s clock
   */
  constructor(arbiter: RefsArbiter, refs: readonly string[], oid: string, record: LockRecord, began: number) {
    this.#arbiter = arbiter;
    this.refs = refs;
    this.#records = new Map(refs.map((ref) => [ref, oid]));
    this.#record = record;
    this.#until = began + record.leaseMs;
    this.#timer = setInterval(() => void this.#inTurn(() => this.#renew()), record.leaseMs / RENEWALS);
    this.#timer.unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  commit(changes: readonly StateChange[]): Promise<void> {
    return this.#inTurn(async () => {
      const locked = this.#records.has(WIDE) ? [WIDE] : changes.map(({ ref }) => ref);
      const unlocked = locked.find((ref) => !this.#records.has(ref));
      if (unlocked !== undefined) throw leaseLost(unlocked);
      const state = changes.map(({ ref, old, new: to }) => ({ ref: stateRef(ref), old, new: to }));
      // Beneath the wide lock others may move the same refs meanwhile, and what was done once must not be done again.
      const failed = await this.#swapRecords(locked, state, locked[0] === WIDE ? [] : changes);
      if (failed === null) return;
      if (typeof failed === 'string')
        throw new GamError('member-refused', `the state cannot be changed: ${failed}`);
      const taken = locked.find((ref) => failed.get(lockRef(ref))?.oid !== this.#records.get(ref));
      if (taken !== undefined) {
        this.#lost.abort();
        throw leaseLost(taken);
      }
      const moved = changes.find(({ ref, old }) => (failed.get(stateRef(ref))?.oid ?? null) !== old)?.ref;
      throw replicaBehind(moved ?? null);
    });
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(async () => {
      const swaps = [...this.#records].map(([ref, oid]) => ({ ref: lockRef(ref), old: oid, new: null }));
      this.#records.clear();
      // Locks that cannot be given back end with their leases.
      if (swaps.length > 0) await this.#arbiter.swap(swaps, null).catch(() => undefined);
    });
  }

  async #renew(): Promise<void> {
    if (this.#lost.signal.aborted || this.#records.size === 0) return;
    const began = performance.now();
    const failed = await this.#swapRecords([...this.#records.keys()], [], []).catch(() => '');
    if (failed === null) this.#until = began + this.#record.leaseMs;
    // Nobody knows how it went, and there may be time for another attempt.
    else if (typeof failed !== 'string' || performance.now() > this.#until) this.#lost.abort();
  }

  /** Puts a new record into locks, if they are this one's still, and does the rest with it. */
  async #swapRecords(
    refs: readonly string[],
    others: readonly RefSwap[],
    changes: readonly StateChange[],
  ): Promise<Stored | string | null> {
    this.#record = { ...this.#record, renewal: this.#record.renewal + 1, changes };
    const next = this.#arbiter.idOf(this.#record);
    const swaps = refs.map((ref) => ({ ref: lockRef(ref), old: this.#records.get(ref) ?? null, new: next }));
    // Locks first: where git is killed between two refs, they tell what the others were to be.
    const failed = await this.#arbiter
      .swap([...swaps, ...others], this.#record)
      .catch(async (error: unknown) => {
        // The line broke: the records tell whether that was before or behind the swap.
        if (!isUncertain(error)) throw error;
        const now = await this.#arbiter.list([LOCK_REFS]).catch(() => {
          throw error;
        });
        if (!swaps.some(({ ref }) => now.get(ref)?.oid === next)) throw error;
        await this.#arbiter.complete(changes);
        return null;
      });
    if (failed === null) for (const ref of refs) this.#records.set(ref, next);
    return failed;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
