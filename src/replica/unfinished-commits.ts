import type { RefSwap, StoredRef } from '../git/swap-refs.ts';
import { LOCK_REFS, lockRef, stateRef } from './group-refs.ts';
import { type LockRecord, parseLockRecord } from './lock-record.ts';

/** A commit that is decided, as its record stands in a lock, and of which a part has not been done. */
export interface UnfinishedCommit {
  transaction: string;
  /** Verifies that the locks still are the transaction's: only under them may the rest be done. */
  locks: RefSwap[];
  /** What is left to be done. */
  state: RefSwap[];
}

/**
 * The commits that git was killed in, between two refs. git moves the refs of a transaction one after the other, when all of them have
 * been found to be what they must be; the locks come first, and their record tells the rest (lock-record.ts).
 *
 * @param stored locks and state of the arbiter
 */
export function unfinished(stored: ReadonlyMap<string, StoredRef>): UnfinishedCommit[] {
  const locks = new Map<string, { oid: string; record: LockRecord }>();
  for (const [name, { oid, text }] of stored) {
    const record = name.startsWith(LOCK_REFS) ? parseLockRecord(text ?? '') : null;
    if (record !== null) locks.set(name, { oid, record });
  }
  const commits = new Map<string, LockRecord>();
  for (const { record } of locks.values())
    if (record.changes.length > 0 && record.renewal > (commits.get(record.transaction)?.renewal ?? -1))
      commits.set(record.transaction, record);
  return [...commits.values()].flatMap(({ transaction, changes, renewal }) => {
    const isAtOnce = renewal === 0;
    const held = (ref: string) => {
      const lock = locks.get(lockRef(ref));
      return lock?.record.transaction === transaction ? lock : undefined;
    };
    // Where locks were taken by the commit itself, it is decided when the last of them stands.
    if (isAtOnce && changes.some(({ ref }) => held(ref) === undefined)) return [];
    const left = changes.filter(
      ({ ref, old, new: to }) =>
        old !== to && (stored.get(stateRef(ref))?.oid ?? null) === old && held(ref) !== undefined,
    );
    if (left.length === 0) return [];
    const verified = left.map(({ ref }) => {
      const oid = held(ref)?.oid ?? null;
      return { ref: lockRef(ref), old: oid, new: oid };
    });
    const state = left.map(({ ref, old, new: to }) => ({ ref: stateRef(ref), old, new: to }));
    return [{ transaction, locks: verified, state }];
  });
}
