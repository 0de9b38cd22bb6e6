import { expect, test } from 'vitest';
import type { StoredRef } from '../../../src/git/swap-refs.ts';
import type { StateChange } from '../../../src/replica/coordinator.ts';
import { lockRef, stateRef } from '../../../src/replica/group-refs.ts';
import { writeLockRecord } from '../../../src/replica/lock-record.ts';
import { unfinished } from '../../../src/replica/unfinished-commits.ts';

type Entry = readonly [string, StoredRef];

const oid = (digit: string) => digit.repeat(40);
const MAIN = 'refs/heads/main';
const TAG = 'refs/tags/v1';
const CHANGES: StateChange[] = [
  { ref: MAIN, old: oid('1'), new: oid('2') },
  { ref: TAG, old: oid('3'), new: null },
];

/** A lock in which a record of such changes stands. */
function locked(ref: string, record: string, transaction: string, changes: StateChange[]): Entry {
  const text = writeLockRecord({ holder: 'eu', transaction, since: 1, leaseMs: 1000, renewal: 1, changes });
  return [lockRef(ref), { oid: oid(record), text }];
}

const state = (ref: string, digit: string): Entry => [stateRef(ref), { oid: oid(digit), text: null }];
const verified = (ref: string, record: string) => ({ ref: lockRef(ref), old: oid(record), new: oid(record) });

test('what is left of a commit is told, and that only under its locks it may be done', () => {
  const stored = new Map([
    locked(MAIN, 'a', 'push', CHANGES),
    locked(TAG, 'a', 'push', CHANGES),
    state(MAIN, '2'),
    state(TAG, '3'),
  ]);
  expect(unfinished(stored)).toEqual([
    {
      transaction: 'push',
      locks: [verified(MAIN, 'a'), verified(TAG, 'a')],
      state: [{ ref: stateRef(TAG), old: oid('3'), new: null }],
    },
  ]);
});

test.each([
  ['of the same push from before', locked(TAG, 'b', 'push', [])],
  ['of another push', locked(TAG, 'b', 'other', [])],
  ['of nobody', null],
])('a commit is not decided while one of its locks is %s', (_whose, lock) => {
  const stored = new Map([
    locked(MAIN, 'a', 'push', CHANGES),
    ...(lock === null ? [] : [lock]),
    state(MAIN, '1'),
    state(TAG, '3'),
  ]);
  expect(unfinished(stored)).toEqual([]);
});

test('of a commit that is done nothing is left', () => {
  const stored = new Map([
    locked(MAIN, 'a', 'push', CHANGES),
    locked(TAG, 'a', 'push', CHANGES),
    state(MAIN, '2'),
  ]);
  expect(unfinished(stored)).toEqual([]);
});
