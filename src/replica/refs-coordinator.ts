import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import type { RefSwap, StoredRef } from '../git/swap-refs.ts';
import type { CommitAtOnce, Coordinator, HeldLock, Lease, LockOptions } from './coordinator.ts';
import type { GateMemory } from './gate-memory.ts';
import { LOCK_REFS, lockedFor, lockRef, refOfLock, refOfState, STATE_REFS } from './group-refs.ts';
import { lockTimeout } from './lock-errors.ts';
import { heldLock, type LockRecord, parseLockRecord } from './lock-record.ts';
import { isUncertain, type RefsArbiter } from './refs-arbiter.ts';
import { RefsGate } from './refs-gate.ts';
import { RefsLease } from './refs-lease.ts';
import { unfinished } from './unfinished-commits.ts';

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
  readonly #gate: RefsGate | null;
  /** The locks that locks() has told of, by name. */
  readonly #watched = new Map<string, Seen>();

  /** @param memory of this member's gate; without it nothing is committed at once */
  constructor(arbiter: RefsArbiter, pace: Partial<Pace> = {}, memory: GateMemory | null = null) {
    this.#arbiter = arbiter;
    this.#pace = { ...PACE, ...pace };
    this.#gate = memory === null ? null : new RefsGate(arbiter, memory, this.#pace.leaseMs);
  }

  async commitAtOnce(commit: CommitAtOnce): Promise<boolean | null> {
    return this.#gate === null ? null : this.#gate.commit(commit);
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
    const names = wanted.map(lockRef);
    const seen = new Map<string, Seen>();
    for (let wait = this.#pace.firstLookMs; ; wait = Math.min(wait * 1.5, this.#pace.lookMs)) {
      const began = performance.now();
      const overdue = new Map([...seen].filter(([, lock]) => this.#isOverdue(lock)));
      // A lock whose holder is gone may be one of several of a commit that the arbiter's git was killed in.
      if (overdue.size > 0 && !(await this.#arbiter.finish(transactionsOf([...overdue.values()]))))
        overdue.clear();
      const swaps = names.map((ref) => ({ ref, old: overdue.get(ref)?.oid ?? null, new: mine }));
      const now = await this.#take(swaps, mine, record);
      if (now === null) return new RefsLease(this.#arbiter, wanted, mine, record, began);
      if (typeof now !== 'string') look(names, now, seen);
      const [held] = wanted.flatMap((ref) => this.#heldBy(ref, seen.get(lockRef(ref))));
      if (held !== undefined) waiting?.(held);
      await pause(wait * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {
        throw lockTimeout(held ?? null, typeof now === 'string' ? now : null);
      });
    }
  }

  async state(): Promise<ReadonlyMap<string, string>> {
    const refs = await this.#arbiter.list([LOCK_REFS, STATE_REFS]);
    const state = new Map<string, string>();
    for (const [name, { oid }] of refs) if (name.startsWith(STATE_REFS)) state.set(refOfState(name), oid);
    const commits = unfinished(refs);
    if (commits.length === 0) return state;
    // Decided, and not yet done: if the locks stand still, nobody else can have moved these meanwhile.
    const now = await this.#arbiter.list([LOCK_REFS]);
    for (const commit of commits.filter(({ locks }) =>
      locks.every(({ ref, old }) => now.get(ref)?.oid === old),
    ))
      for (const { ref, new: to } of commit.state)
        if (to === null) state.delete(refOfState(ref));
        else state.set(refOfState(ref), to);
    return state;
  }

  // Who asks twice sees which locks have not been renewed between; these are given up.
  async locks(): Promise<HeldLock[]> {
    const stored = await this.#arbiter.list([LOCK_REFS]);
    look([...stored.keys()], stored, this.#watched);
    for (const name of this.#watched.keys()) if (!stored.has(name)) this.#watched.delete(name);
    const overdue = [...this.#watched].filter(([, seen]) => this.#isOverdue(seen));
    const gone = await this.#giveUp(overdue.map(([name, seen]) => ({ name, seen })));
    return [...stored].flatMap(([name, { text }]) => {
      const record = gone.has(name) ? null : parseLockRecord(text ?? '');
      return record === null ? [] : [heldLock(refOfLock(name), record)];
    });
  }

  async abandon(transaction: string): Promise<void> {
    const stored = await this.#arbiter.list([LOCK_REFS]);
    const own = [...stored].flatMap(([name, { oid, text }]) => {
      const record = parseLockRecord(text ?? '');
      return record?.transaction === transaction ? [{ name, seen: { oid, record, at: 0 } }] : [];
    });
    await this.#giveUp(own);
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

  async #giveUp(locks: readonly { name: string; seen: Seen }[]): Promise<Set<string>> {
    const gone = new Set<string>();
    if (locks.length === 0 || !(await this.#arbiter.finish(transactionsOf(locks.map(({ seen }) => seen)))))
      return gone;
    for (const { name, seen } of locks)
      if ((await this.#arbiter.swap([{ ref: name, old: seen.oid, new: null }], null)) === null)
        gone.add(name);
    return gone;
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

function look(names: readonly string[], now: ReadonlyMap<string, StoredRef>, seen: Map<string, Seen>): void {
  const at = performance.now();
  for (const name of names) {
    const stored = now.get(name);
    if (stored === undefined) seen.delete(name);
    else if (seen.get(name)?.oid !== stored.oid)
      seen.set(name, { oid: stored.oid, at, record: parseLockRecord(stored.text ?? '') });
  }
}

function transactionsOf(locks: readonly Seen[]): Set<string> {
  return new Set(locks.flatMap(({ record }) => record?.transaction ?? []));
}
