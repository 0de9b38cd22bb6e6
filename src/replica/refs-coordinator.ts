import { setTimeout as pause } from 'node:timers/promises';
import { type Arbiter, isUncertain } from '../git/arbiter.ts';
import type { Coordinator, HeldLock, Lease, LockOptions } from './coordinator.ts';
import { LOCK_REFS, lockedFor, lockRef, refOfLock, refOfState, STATE_REFS } from './group-refs.ts';
import { lockTimeout } from './lock-errors.ts';
import { heldLock, type LockRecord, parseLockRecord, writeLockRecord } from './lock-record.ts';
import { RefsLease } from './refs-lease.ts';

/** How long a lock holds without being renewed, and how often one that is held is looked at; in milliseconds. */
export interface Pace {
  leaseMs: number;
  firstLookMs: number;
  lookMs: number;
}

const PACE: Pace = { leaseMs: 15_000, firstLookMs: 50, lookMs: 1000 };

/** How often a record is looked for that is renewed each time. */
const LOOKS = 3;

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
  readonly #arbiter: Arbiter;
  readonly #pace: Pace;

  constructor(arbiter: Arbiter, pace: Partial<Pace> = {}) {
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
    };
    const mine = await this.#arbiter.write(writeLockRecord(record));
    const wanted = lockedFor(refs);
    const seen = new Map<string, Seen>();
    for (let wait = this.#pace.firstLookMs; ; wait = Math.min(wait * 1.5, this.#pace.lookMs)) {
      const began = performance.now();
      const overdue = (ref: string) => (this.#isOverdue(seen.get(ref)) ? (seen.get(ref)?.oid ?? null) : null);
      const swaps = wanted.map((ref) => ({ ref: lockRef(ref), old: overdue(ref), new: mine }));
      const swapped = await this.#take(
        swaps.map(({ ref }) => ref),
        mine,
        () => this.#arbiter.swap(swaps),
      );
      if (swapped) return new RefsLease(this.#arbiter, wanted, mine, record, began);
      await this.#look(wanted, seen);
      const [held] = wanted.flatMap((ref) => this.#heldBy(ref, seen.get(ref)));
      if (held !== undefined) waiting?.(held);
      await pause(wait * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {
        throw lockTimeout(held ?? null);
      });
    }
  }

  async state(): Promise<ReadonlyMap<string, string>> {
    const refs = await this.#arbiter.list([STATE_REFS]);
    return new Map([...refs].map(([name, oid]) => [refOfState(name), oid]));
  }

  async locks(): Promise<HeldLock[]> {
    const held: HeldLock[] = [];
    for (const [name, first] of await this.#arbiter.list([LOCK_REFS])) {
      let text = await this.#arbiter.read(name, first);
      // A record that was renewed meanwhile is nowhere any more.
      for (let oid: string | undefined = first, looks = 0; text === null && looks < LOOKS; looks += 1) {
        oid = (await this.#arbiter.list([name])).get(name);
        if (oid === undefined) break;
        text = await this.#arbiter.read(name, oid);
      }
      const record = parseLockRecord(text ?? '');
      if (record !== null) held.push(heldLock(refOfLock(name), record));
    }
    return held;
  }

  async close(): Promise<void> {}

  // A line that breaks behind the push has the locks taken, and nobody knows.
  async #take(names: readonly string[], mine: string, swap: () => Promise<boolean>): Promise<boolean> {
    try {
      return await swap();
    } catch (error) {
      if (!isUncertain(error)) throw error;
      const now = await this.#arbiter.list([LOCK_REFS]);
      if (names.every((name) => now.get(name) === mine)) return true;
      throw error;
    }
  }

  async #look(wanted: readonly string[], seen: Map<string, Seen>): Promise<void> {
    const now = await this.#arbiter.list([LOCK_REFS]);
    const at = performance.now();
    for (const ref of wanted) {
      const oid = now.get(lockRef(ref));
      if (oid === undefined) seen.delete(ref);
      else if (seen.get(ref)?.oid !== oid) {
        const known = [...seen.values()].find((one) => one.oid === oid)?.record;
        const text = known === undefined ? await this.#arbiter.read(lockRef(ref), oid) : null;
        seen.set(ref, { oid, at, record: known ?? parseLockRecord(text ?? '') });
      }
    }
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
