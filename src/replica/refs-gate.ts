import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Unsent } from '../git/push-request.ts';
import type { CommitAtOnce } from './coordinator.ts';
import type { GateMemory } from './gate-memory.ts';
import {
  DONE_REFS,
  GATE_REFS,
  LOCK_REFS,
  lockedFor,
  lockRef,
  STATE_REFS,
  stateRef,
  WIDE,
} from './group-refs.ts';
import type { LockRecord } from './lock-record.ts';
import { isUncertain, type RefsArbiter, type Stored } from './refs-arbiter.ts';

/** Where nobody knows how a commit went, so many looks fit into a lease. */
const LOOKS = 50;

/** Where a member's gate stands. */
export function gateRef(member: string): string {
  return GATE_REFS + member;
}

/** Where the mark of a commit stands. */
export function doneRef(transaction: string): string {
  return DONE_REFS + transaction;
}

/** A commit that is tried, or in doubt. */
interface Attempt {
  transaction: string;
  /** The id of its record. */
  record: string;
  /** The refs of its locks. */
  locks: readonly string[];
  gate: string;
  /** Until when nobody can have taken its locks over, on performance.now()'s clock. */
  until: number;
}

/**
 * Commits at once: locks are taken, the state is changed and the locks are given back in one request, if nobody holds any of them.
 *
 * Such a request is bound to no lock that was taken before, so that one which arrives late, when nobody waits for it any more, would find
 * nothing amiss. So it is bound to its member's gate, a ref at the arbiter that changes only when somebody is in doubt: who does not know how
 * his commit went changes the gate, and from then on nothing that was under way can be done. What was done has left its mark, which
 * stands until its member has heard of it; or, where the arbiter's git was killed in it, its locks.
 */
export class RefsGate {
  readonly #arbiter: RefsArbiter;
  readonly #memory: GateMemory;
  readonly #leaseMs: number;

  constructor(arbiter: RefsArbiter, memory: GateMemory, leaseMs: number) {
    this.#arbiter = arbiter;
    this.#memory = memory;
    this.#leaseMs = leaseMs;
  }

  /**
   * @returns null where it was not done; else whether what goes along was
   * @throws GamError `member-unreachable` or `git-failed` where nobody knows; Unsent where it was not done, as nobody is there
   */
  async commit({ holder, transaction, changes, along, objects }: CommitAtOnce): Promise<boolean | null> {
    const refs = lockedFor(changes.map(({ ref }) => ref));
    if (refs[0] === WIDE) return null;
    const gate = this.#memory.gate() ?? (await this.#open(holder));
    if (gate === null) return null;
    const until = performance.now() + this.#leaseMs;
    const lockRecord: LockRecord = {
      holder,
      transaction,
      since: Date.now(),
      leaseMs: this.#leaseMs,
      renewal: 0,
      changes,
    };
    const record = this.#arbiter.idOf(lockRecord);
    const locks = refs.map(lockRef);
    const marks = this.#memory.marks();
    const gone = (ref: string, old: string) => ({ ref, old, new: null });
    const line = this.#arbiter.line;
    try {
      const { failed, behind } = await this.#arbiter.swapBefore(
        [
          { ref: gateRef(holder), old: gate, new: gate },
          // Before the state: where git is killed between two refs, they tell what the others were to be.
          ...locks.map((ref) => ({ ref, old: null, new: record })),
          ...changes.map(({ ref, old, new: to }) => ({ ref: stateRef(ref), old, new: to })),
          { ref: doneRef(transaction), old: null, new: record },
        ],
        lockRecord,
        [
          { at: along.member, swaps: along.swaps },
          { at: null, swaps: locks.map((ref) => gone(ref, record)) },
          ...marks.map((mark) => ({ at: null, swaps: [gone(doneRef(mark.transaction), mark.oid)] })),
        ],
        objects,
      );
      if (failed !== null) {
        if (typeof failed !== 'string' && failed.get(gateRef(holder))?.oid !== gate) this.#memory.keep(null);
        return null;
      }
      this.#memory.forget(marks);
      this.#memory.note({ transaction, oid: record });
      const [isAlong = false, isReleased = false] = behind;
      if (!isReleased) await this.#release(locks, record);
      return isAlong;
    } catch (error) {
      if (error instanceof Unsent) throw error;
      // While the arbiter moves, for one: whoever asks for locks waits for that.
      if (!isUncertain(error)) return null;
      const isDone = await this.#settle(holder, { transaction, record, locks, gate, until }).catch(
        () => null,
      );
      // Of what the one before has done the next one knows nothing.
      if (isDone === null || this.#arbiter.line !== line) throw error;
      return isDone ? false : null;
    }
  }

  /** Makes the gate, if there is none. */
  async #open(member: string): Promise<string | null> {
    const ref = gateRef(member);
    try {
      const known = (await this.#arbiter.list([ref])).get(ref)?.oid;
      const made = known ?? (await this.#put(ref, null));
      if (made !== null) this.#memory.keep(made);
      return made;
    } catch {
      return null;
    }
  }

  // Returns what it names then; null where it was something else.
  async #put(ref: string, old: string | null): Promise<string | null> {
    const text = `gate ${randomBytes(16).toString('hex')}\n`;
    const oid = this.#arbiter.idOfText(text);
    const { failed } = await this.#arbiter.swapWith({ swaps: [{ ref, old, new: oid }], texts: [text] }, []);
    return failed === null ? oid : null;
  }

  async #release(locks: readonly string[], record: string): Promise<void> {
    // Locks that cannot be given back end with their leases.
    const swaps = locks.map((ref) => ({ ref, old: record, new: null }));
    await this.#arbiter.swap(swaps, null).catch(() => undefined);
  }

  /** Whether a commit was done, of which nobody knows; null where that cannot be told any more. */
  async #settle(member: string, attempt: Attempt): Promise<boolean | null> {
    this.#memory.keep(null);
    const shut = await this.#until(attempt.until, () => this.#shut(gateRef(member), attempt.gate));
    if (shut === null) return null;
    return this.#until(attempt.until, () => this.#look(attempt));
  }

  /** Has the gate be another one: nothing that is under way can be done then. */
  async #shut(ref: string, gate: string): Promise<true | null> {
    const made = await this.#put(ref, gate);
    if (made !== null) this.#memory.keep(made);
    if (made !== null) return true;
    return (await this.#arbiter.list([ref])).get(ref)?.oid === gate ? null : true;
  }

  async #look({ transaction, record, locks }: Attempt): Promise<boolean | null> {
    const now: Stored = await this.#arbiter.list([LOCK_REFS, STATE_REFS, doneRef(transaction)]);
    const isDone = now.has(doneRef(transaction));
    const left = locks.filter((ref) => now.get(ref)?.oid === record);
    // Decided when the last of them stands (unfinished-commits.ts). Perhaps not all of it is done, though the mark stands: git deletes refs last.
    const isDecided = left.length === locks.length;
    if (isDecided && !(await this.#arbiter.finish(new Set([transaction]), now))) return null;
    if (left.length > 0) await this.#release(left, record);
    if (isDone) this.#memory.note({ transaction, oid: record });
    return isDone || isDecided;
  }

  /** Tries something until it tells, or the time is over. */
  async #until<T>(until: number, attempt: () => Promise<T | null>): Promise<T | null> {
    for (;;) {
      const told = await attempt().catch((error: unknown) => {
        if (isUncertain(error)) return null;
        throw error;
      });
      if (performance.now() > until) return null;
      if (told !== null) return told;
      await pause(this.#leaseMs / LOOKS);
    }
  }
}
