import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import type { RefSwap } from '../git/swap-refs.ts';
import type { Along, Lease, StateChange } from './coordinator.ts';
import { lockRef, stateRef, WIDE } from './group-refs.ts';
import { leaseLost, replicaBehind } from './lock-errors.ts';
import type { LockRecord } from './lock-record.ts';
import { isUncertain, type RefsArbiter, type Stored } from './refs-arbiter.ts';
import type { Behind } from './request.ts';

/** A lease is renewed when a third of it is over: two renewals may fail. */
const RENEWALS = 3;

/** Where nobody knows how an attempt went, so many more fit into a lease. */
const ATTEMPTS = 50;

/** How a swap of records went. */
interface Put {
  /** The one that was to be put. */
  record: string;
  /** As RefsArbiter.swap() returns it; a text where nobody knows. */
  failed: Stored | string | null;
  /** Why nobody knows. */
  unsure?: unknown;
  /** Which of what was to come behind it was done. */
  behind: readonly boolean[];
}

/**
 * Whether an attempt that nobody knows of was done, and the locks were given back with it: they are gone, and all is what it was to be.
 * Before the lease is over nobody else can have taken them and given them back.
 */
function isOver(locked: readonly string[], state: readonly RefSwap[], now: Stored): boolean {
  return (
    locked.every((ref) => !now.has(lockRef(ref))) &&
    state.every(({ ref, new: to }) => (now.get(ref)?.oid ?? null) === to)
  );
}

/** Locks in the refs of an arbiter. */
export class RefsLease implements Lease {
  readonly refs: readonly string[];
  readonly #arbiter: RefsArbiter;
  readonly #lost = new AbortController();
  /** What stands in each lock: this one's record of the last swap. */
  readonly #records: Map<string, string>;
  /** Records of which nobody knows whether they were put. */
  readonly #unsure = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #record: LockRecord;
  /** Until when the locks hold if nobody renews them, on performance.now()'s clock. */
  #until: number;
  /** Nobody knows how a commit went: its record may stand in the locks and tell what is left to be done, and no renewal may put its own there. */
  #isInDoubt = false;
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

  commit(changes: readonly StateChange[], along?: Along): Promise<boolean> {
    return this.#inTurn(() =>
      this.#commit(changes, along).catch((error: unknown) => {
        if (isUncertain(error)) this.#isInDoubt = true;
        throw error;
      }),
    );
  }

  async #commit(changes: readonly StateChange[], along?: Along): Promise<boolean> {
    const locked = this.#records.has(WIDE) ? [WIDE] : changes.map(({ ref }) => ref);
    const unlocked = locked.find((ref) => !this.#records.has(ref));
    if (unlocked !== undefined) throw leaseLost(unlocked);
    const state = changes.map(({ ref, old, new: to }) => ({ ref: stateRef(ref), old, new: to }));
    // Beneath the wide lock others may move the same refs meanwhile, and what was done once must not be done again by them.
    const told = locked[0] === WIDE ? [] : changes;
    const tried = new Set<string>();
    for (let doubt: unknown = null; ; await this.#wait()) {
      const { record, failed, unsure, behind } = await this.#put(locked, state, told, along).catch(
        (error: unknown) => {
          // This attempt was not done; an earlier one may have been.
          throw doubt ?? error;
        },
      );
      if (unsure !== undefined) {
        doubt = unsure;
        tried.add(record);
      } else if (failed === null) return this.#isAlong(behind);
      else if (typeof failed !== 'string') {
        const isHeld = performance.now() <= this.#until;
        if (doubt !== null && isHeld && along !== undefined && isOver(locked, state, failed)) {
          this.#forget();
          return false;
        }
        const standing = new Set(locked.map((ref) => failed.get(lockRef(ref))?.oid ?? ''));
        const taken = this.#adopt(locked, failed);
        // Decided when the last of them holds it (unfinished-commits.ts); before that it is tried anew.
        if (standing.size === 1 && [...standing].every((oid) => tried.has(oid))) {
          await this.#finish(locked, state, doubt);
          return false;
        }
        if (taken !== undefined) throw doubt ?? leaseLost(taken);
        const moved = changes.find(({ ref, old }) => (failed.get(stateRef(ref))?.oid ?? null) !== old);
        if (moved !== undefined) {
          // What is still under way must find another record than it wants.
          if (doubt !== null && (await this.#put(locked, [], [])).failed !== null) throw doubt;
          throw replicaBehind(moved.ref);
        }
      } else if (doubt === null)
        throw new GamError('member-refused', `the state cannot be changed: ${failed}`);
      if (performance.now() > this.#until) throw doubt ?? leaseLost(locked[0] ?? '');
    }
  }

  /** What was to come behind a commit: this one's part first, then that the locks were given back. */
  #isAlong(behind: readonly boolean[]): boolean {
    const [isDone = false, isReleased = false] = behind;
    if (isReleased) this.#forget();
    return isDone;
  }

  #forget(): void {
    clearInterval(this.#timer);
    this.#records.clear();
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
    if (this.#isInDoubt || this.#lost.signal.aborted || this.#records.size === 0) return;
    const began = performance.now();
    const refs = [...this.#records.keys()];
    const { failed } = await this.#put(refs, [], []);
    if (failed === null) this.#until = began + this.#record.leaseMs;
    // Where nobody knows how it went, there may be time for another attempt.
    else if (typeof failed !== 'string') this.#adopt(refs, failed);
    else if (performance.now() > this.#until) this.#lost.abort();
  }

  /**
   * Puts a new record into locks, if they are this one's still, and does the rest with it.
   *
   * Where the line breaks, nobody knows whether it was done, nor whether it will be: the request may still be under way. What
   * another attempt finds tells: where the record of an earlier one stands, that one was done; and where another record was
   * put, no earlier one can be done any more, as each is bound to the record before it.
   */
  async #put(
    refs: readonly string[],
    others: readonly RefSwap[],
    changes: readonly StateChange[],
    along?: Along,
  ): Promise<Put> {
    this.#record = { ...this.#record, renewal: this.#record.renewal + 1, changes };
    const record = this.#arbiter.idOf(this.#record);
    const swaps = refs.map((ref) => ({
      ref: lockRef(ref),
      old: this.#records.get(ref) ?? null,
      new: record,
    }));
    try {
      // Locks first: where git is killed between two refs, they tell what the others were to be.
      const last =
        along === undefined ? [] : [{ at: along.member, swaps: along.swaps }, this.#back(refs, record)];
      const { failed, behind } = await this.#arbiter.swapBefore([...swaps, ...others], this.#record, last);
      if (failed === null) for (const ref of refs) this.#records.set(ref, record);
      return { record, failed, behind };
    } catch (error) {
      if (!isUncertain(error)) throw error;
      this.#unsure.add(record);
      return { record, failed: '', unsure: error, behind: [] };
    }
  }

  /** Gives all locks back, of which some hold a new record by then. */
  #back(refs: readonly string[], record: string): Behind {
    const held = new Map([...this.#records, ...refs.map((ref) => [ref, record] as const)]);
    return { at: null, swaps: [...held].map(([ref, oid]) => ({ ref: lockRef(ref), old: oid, new: null })) };
  }

  /** Takes what stands in the locks for this one's, where an attempt was done after all. Returns a ref whose lock is another's. */
  #adopt(refs: readonly string[], stored: Stored): string | undefined {
    for (const ref of refs) {
      const oid = stored.get(lockRef(ref))?.oid ?? '';
      if (this.#unsure.has(oid)) this.#records.set(ref, oid);
      if (this.#records.get(ref) === oid) continue;
      this.#lost.abort();
      return ref;
    }
    return undefined;
  }

  // What is decided and not done must not be given up: the locks then stay where they are, and tell of it (unfinished-commits.ts).
  async #finish(refs: readonly string[], state: readonly RefSwap[], doubt: unknown): Promise<void> {
    const locks = refs.map((ref) => {
      const oid = this.#records.get(ref) ?? null;
      return { ref: lockRef(ref), old: oid, new: oid };
    });
    while (!(await this.#arbiter.finishOne(locks, state).catch(() => false))) {
      if (performance.now() > this.#until) {
        this.#records.clear();
        throw doubt;
      }
      await this.#wait();
    }
  }

  #wait(): Promise<void> {
    return pause(this.#record.leaseMs / ATTEMPTS);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
