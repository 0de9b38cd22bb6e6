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
 * A commit is decided when the last of its locks holds its record. Were it decided by the first of them, another one that is yet to hold it could still be
 * taken over: the request to do so may have been under way for long, and is bound to nothing but what stood in that lock before.
 *
 * @param stored locks and state of the arbiter
 */
export function unfinished(stored: ReadonlyMap<string, StoredRef>): UnfinishedCommit[] {
  const commits = new Map<string, LockRecord>();
  for (const [name, { oid, text }] of stored) {
    const record = name.startsWith(LOCK_REFS) ? parseLockRecord(text ?? '') : null;
    if (record !== null && record.changes.length > 0) commits.set(oid, record);
  }
  return [...commits].flatMap(([oid, { transaction, changes }]) => {
    if (changes.some(({ ref }) => stored.get(lockRef(ref))?.oid !== oid)) return [];
    const left = changes.filter(
      ({ ref, old, new: to }) => old !== to && (stored.get(stateRef(ref))?.oid ?? null) === old,
    );
    if (left.length === 0) return [];
    const locks = changes.map(({ ref }) => ({ ref: lockRef(ref), old: oid, new: oid }));
    const state = left.map(({ ref, old, new: to }) => ({ ref: stateRef(ref), old, new: to }));
    return [{ transaction, locks, state }];
  });
}
