import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import type { RefSwap, StoredRef } from '../../../src/git/swap-refs.ts';
import { lockRef, stateRef } from '../../../src/replica/group-refs.ts';
import type { MemberLine } from '../../../src/replica/member-line.ts';
import { RefsArbiter } from '../../../src/replica/refs-arbiter.ts';
import { RefsLease } from '../../../src/replica/refs-lease.ts';
import type { Answer, Operation } from '../../../src/replica/request.ts';

const MAIN = 'refs/heads/main';
const TAG = 'refs/tags/v1';
const oid = (digit: string) => digit.repeat(40);
const CHANGES = [
  { ref: MAIN, old: null, new: oid('1') },
  { ref: TAG, old: null, new: oid('2') },
];
const unreachable = () => new GamError('member-unreachable', 'the line broke');

/** Locks that are held at an arbiter whose answers a test writes; each swap that it is asked for is kept. */
function held(leaseMs: number, answers: ((swaps: readonly RefSwap[]) => Answer | Promise<Answer>)[]) {
  const asked: (readonly RefSwap[])[] = [];
  const line: MemberLine = {
    idle: async () => undefined,
    ask: async (operation: Operation) => {
      if (operation.kind !== 'swap') throw new Error(`asked to ${operation.kind}`);
      asked.push(operation.swaps);
      return (await answers[asked.length - 1]?.(operation.swaps)) ?? { kind: 'done' };
    },
  };
  const record = { holder: 'eu', transaction: 'push', since: 1, leaseMs, renewal: 0, changes: [] };
  const arbiter = new RefsArbiter(line, 'sha1');
  const first = arbiter.idOf(record);
  return {
    first,
    asked,
    lease: new RefsLease(arbiter, [MAIN, TAG], first, record, performance.now()),
  };
}

const swapOf = (swaps: readonly RefSwap[] | undefined, ref: string) => swaps?.find((one) => one.ref === ref);

test('a commit that the arbiter was killed in before all locks held its record is tried anew, from what stands there', async () => {
  const standing = new Map<string, StoredRef>();
  const { first, asked, lease } = held(10_000, [
    (swaps) => {
      standing.set(lockRef(MAIN), { oid: swapOf(swaps, lockRef(MAIN))?.new ?? '', text: null });
      standing.set(lockRef(TAG), { oid: first, text: null });
      throw unreachable();
    },
    () => ({ kind: 'stale', refs: standing }),
  ]);
  await lease.commit(CHANGES);
  await lease.release();
  const again = asked[2];
  expect(swapOf(again, lockRef(MAIN))?.old).toBe(standing.get(lockRef(MAIN))?.oid);
  expect(swapOf(again, lockRef(TAG))?.old).toBe(first);
  expect(swapOf(again, stateRef(MAIN))).toEqual({ ref: stateRef(MAIN), old: null, new: oid('1') });
  expect(swapOf(again, stateRef(TAG))).toEqual({ ref: stateRef(TAG), old: null, new: oid('2') });
});

test('after a commit of which nobody knows, no renewal overwrites its record, which may tell what is left to be done', async () => {
  const leaseMs = 30;
  const late = async () => {
    // Renewals are due meanwhile, and wait for their turn.
    await pause(leaseMs);
    throw unreachable();
  };
  const { first, asked, lease } = held(leaseMs, [late, late]);
  await expect(lease.commit(CHANGES)).rejects.toMatchObject({ code: 'member-unreachable' });
  await lease.release();
  const others = asked.filter((swaps) => swapOf(swaps, stateRef(MAIN)) === undefined);
  expect(others).toEqual([[MAIN, TAG].map((ref) => ({ ref: lockRef(ref), old: first, new: null }))]);
});
