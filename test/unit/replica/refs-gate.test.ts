import { expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import { LOCK_REFS, stateRef } from '../../../src/replica/group-refs.ts';
import type { MemberLine } from '../../../src/replica/member-line.ts';
import { RefsArbiter } from '../../../src/replica/refs-arbiter.ts';
import { RefsGate } from '../../../src/replica/refs-gate.ts';
import { gateMemory, MadeUpArbiter } from '../../helpers/made-up-arbiter.ts';

const oid = (digit: string) => digit.repeat(40);
const MAIN = 'refs/heads/main';
const TOPIC = 'refs/heads/topic';
const TAG = 'refs/tags/v1';
const CHANGES = [
  { ref: MAIN, old: oid('1'), new: oid('2') },
  { ref: TOPIC, old: oid('3'), new: null },
  { ref: TAG, old: oid('4'), new: null },
];
const BEFORE = new Map(CHANGES.map(({ ref, old }) => [ref, old]));
const AFTER = new Map([[MAIN, oid('2')]]);

/** The gate, the locks, what is moved, the mark, what is deleted: git moves them in this order. */
const REFS_OF_COMMIT = 1 + 3 + 1 + 1 + 2;
const LAST_LOCK = 1 + 3;

async function killedBehind(most: number) {
  const arbiter = new MadeUpArbiter();
  for (const { ref, old } of CHANGES) arbiter.refs.set(stateRef(ref), { oid: old, text: null });
  const line: MemberLine = {
    idle: async () => undefined,
    ask: async (operation) => {
      arbiter.keep(operation);
      const isCommit =
        operation.kind === 'swap' && operation.behind !== undefined && operation.behind.length > 0;
      const answer = arbiter.perform(operation, isCommit ? most : Infinity);
      if (isCommit) throw new GamError('member-unreachable', 'the line broke');
      return answer;
    },
  };
  const gate = new RefsGate(new RefsArbiter(line, 'sha1'), gateMemory(), 10_000);
  const commit = { holder: 'eu', transaction: 'push', changes: CHANGES, objects: [] };
  const told = await gate.commit({ ...commit, along: { member: 'as', swaps: [] } });
  return {
    told,
    state: arbiter.state(),
    locks: [...arbiter.refs.keys()].filter((ref) => ref.startsWith(LOCK_REFS)),
  };
}

test.each(Array.from({ length: REFS_OF_COMMIT + 1 }, (_, most) => most))(
  "a commit at once in which the arbiter's git was killed behind %i refs is done to its end or not at all, and its pusher knows",
  async (most) => {
    const { told, state, locks } = await killedBehind(most);
    expect(locks).toEqual([]);
    expect({ told, state }).toEqual(
      most < LAST_LOCK ? { told: null, state: BEFORE } : { told: false, state: AFTER },
    );
  },
);
