import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RefSwap, storedRefs, writeText } from '../../../src/git/swap-refs.ts';
import { findArbiter } from '../../../src/replica/arbiter.ts';
import type { Lease } from '../../../src/replica/coordinator.ts';
import { LOCK_REFS, lockRef, stateRef } from '../../../src/replica/group-refs.ts';
import { writeLockRecord } from '../../../src/replica/lock-record.ts';
import type { MemberLine } from '../../../src/replica/member-line.ts';
import { moveArbiter } from '../../../src/replica/move-arbiter.ts';
import { perform } from '../../../src/replica/perform.ts';
import { openReplica, type Replica } from '../../../src/replica/replica.ts';
import type { Answer, Operation } from '../../../src/replica/request.ts';
import type { GroupStatus } from '../../../src/replica/status.ts';
import { hasWork } from '../../../src/replica/wake.ts';
import { enrolMembers } from '../../helpers/enrolled.ts';
import { type TestGroup, testGroup } from '../../helpers/group.ts';
import { makeCommits } from '../../helpers/member.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const MAIN = 'refs/heads/main';
const NEXT = 'refs/heads/next';

let sandbox: Sandbox;
let group: TestGroup;
let first: string;
let second: string;

beforeEach(() => {
  sandbox = makeSandbox();
});
afterEach(async () => {
  await sandbox.close();
});

/** Makes a group of primaries that have two commits; the first of them is the arbiter. */
async function begin(...ids: string[]): Promise<void> {
  group = testGroup(sandbox);
  const gitDir = await initBare(sandbox, `${ids[0]}.git`);
  [first = '', second = ''] = await makeCommits(sandbox, gitDir, 2);
  await sandbox.git(['update-ref', MAIN, first], { cwd: gitDir });
  await sandbox.git(['update-ref', NEXT, second], { cwd: gitDir });
  await enrolMembers(
    sandbox,
    ids.map((id) => ({ id, gitDir: sandbox.path(`${id}.git`) })),
  );
}

async function open(id: string): Promise<Replica> {
  const replica = await openReplica(sandbox.path(`${id}.git`), { env: sandbox.env, warn: () => undefined });
  if (replica === null) throw new Error(`${id} is no member`);
  return replica;
}

/** Takes the lock of main, as a push by a member does that knows what its document says. */
async function lockMain(id: string): Promise<Lease> {
  const coordinator = await (await open(id)).openCoordinator();
  return coordinator.lock([MAIN], {
    holder: id,
    transaction: `${id}-test`,
    signal: AbortSignal.timeout(20_000),
  });
}

/** A member whose requests fail from some on, before they are sent or when they have been answered: as if it was killed there. */
class Mortal {
  asked = 0;
  readonly lives: number;
  readonly isAnswered: boolean;

  constructor(lives: number, isAnswered: boolean) {
    this.lives = lives;
    this.isAnswered = isAnswered;
  }

  line(line: MemberLine): MemberLine {
    return {
      idle: () => line.idle(),
      ask: async (operation: Operation, objects?: readonly string[]): Promise<Answer> => {
        this.asked += 1;
        if (this.asked < this.lives) return line.ask(operation, objects);
        if (this.asked === this.lives && this.isAnswered) await line.ask(operation, objects);
        throw new Error('killed');
      },
    };
  }

  of(replica: Replica): Replica {
    return { ...replica, line: (member) => this.line(replica.line(member)) };
  }
}

test('a push that has its locks when the arbiter closes is refused, and changes nothing on either side', async () => {
  await begin('eu', 'us');
  const lease = await lockMain('us');
  await moveArbiter(await open('eu'), 'us');
  await expect(lease.commit([{ ref: MAIN, old: first, new: second }])).rejects.toMatchObject({
    code: 'lease-lost',
  });
  await lease.release();
  const coordinator = await (await open('eu')).openCoordinator();
  expect((await coordinator.state()).get(MAIN)).toBe(first);
});

test('a commit that had passed the look at the term before the arbiter closed fails behind that', async () => {
  await begin('eu', 'us');
  // No renewal comes between.
  await sandbox.git(['config', 'replica.leaseTime', '10m'], { cwd: 'us.git' });
  const lease = await lockMain('us');
  const { run } = await open('eu');
  const [[lock, { oid }] = ['', { oid: '' }]] = await storedRefs([LOCK_REFS], run);
  await moveArbiter(await open('eu'), 'us');
  // What the arbiter's process does once it has looked.
  const swaps = [
    { ref: lock, old: oid, new: first },
    { ref: stateRef('refs/heads/appears'), old: null, new: second },
  ];
  const { answer } = await perform({ kind: 'swap', swaps }, { self: 'eu', run, wake: () => undefined });
  expect(answer.kind).toBe('stale');
  await lease.release();
});

test.each([
  ['is decided is done to its end', [MAIN, NEXT], true],
  ['is not decided is not done at all', [MAIN], false],
])(
  'a commit in which the arbiter was killed and that %s when the arbiter moves',
  async (_what, locked, isDone) => {
    await begin('eu', 'us');
    const changes = [
      { ref: MAIN, old: first, new: second },
      { ref: NEXT, old: second, new: first },
    ];
    const { run } = await open('eu');
    const record = { holder: 'us', transaction: 'killed', since: 1, leaseMs: 600_000, renewal: 0, changes };
    const oid = await writeText(writeLockRecord(record), run);
    const swaps: RefSwap[] = locked.map((ref) => ({ ref: lockRef(ref), old: null, new: oid }));
    // Between two refs, where all locks are taken.
    if (isDone) swaps.push({ ref: stateRef(MAIN), old: first, new: second });
    expect(
      (await perform({ kind: 'swap', swaps }, { self: 'eu', run, wake: () => undefined })).answer.kind,
    ).toBe('done');
    await moveArbiter(await open('eu'), 'us');
    const state = await (await (await open('us')).openCoordinator()).state();
    expect([state.get(MAIN), state.get(NEXT)]).toEqual(isDone ? [second, first] : [first, second]);
  },
);

test('the arbiter moves while somebody who pushes has a ref locked', async () => {
  await begin('eu', 'us');
  writeFileSync(sandbox.path('eu.git/refs/heads/next.lock'), '');
  const moved = await moveArbiter(await open('eu'), 'us');
  expect(moved.arbiter).toBe('us');
  expect((await findArbiter(await open('eu'))).member.id).toBe('us');
  // What could not be looked after is the worker's.
  expect(hasWork((await open('eu')).places)).toBe(true);
});

test('a member that has not heard of it yet is behind, and has nothing of its own', async () => {
  await begin('eu', 'us');
  await moveArbiter(await open('us'), 'us');
  const { stdout } = await group.replica('eu', ['status', '--json'], { expectStatus: null });
  const { members } = JSON.parse(stdout) as GroupStatus;
  expect(members.map(({ id, state, refsDiverged }) => [id, state, refsDiverged])).toEqual([
    ['eu', 'behind', 0],
    ['us', 'current', 0],
  ]);
});

test('a member whose document is old is sent on from the old arbiter to the new one', async () => {
  await begin('eu', 'us');
  const late = await (await open('eu')).openCoordinator();
  await moveArbiter(await open('us'), 'us');
  const lease = await late.lock([MAIN], {
    holder: 'eu',
    transaction: 'eu-late',
    signal: AbortSignal.timeout(20_000),
  });
  await lease.commit([{ ref: MAIN, old: first, new: second }]);
  await lease.release();
  const coordinator = await (await open('us')).openCoordinator();
  expect((await coordinator.state()).get(MAIN)).toBe(second);
});

test('a member that was away finds the new arbiter when the old one is gone', async () => {
  await begin('eu', 'us', 'as');
  const away = await open('as');
  await moveArbiter(await open('eu'), 'us');
  // Nobody has told the others, nor the new arbiter, whose document is as old.
  await sandbox.run('mv', ['eu.git', 'gone.git']);
  const coordinator = await away.openCoordinator();
  expect((await coordinator.state()).get(MAIN)).toBe(first);
});

test('whoever is killed while it moves the arbiter leaves no two of them, and to do it again finishes it', async () => {
  await begin('eu', 'us');
  const killedAt: number[] = [];
  let [from, to] = ['eu', 'us'];
  for (let lives = 1; ; lives += 3) {
    const mortal = new Mortal(lives, lives % 2 === 0);
    const over = await moveArbiter(mortal.of(await open('eu')), to).then(
      () => true,
      () => false,
    );
    // Whoever lets itself be locked lets commit, too: at most one of them does.
    const letting: string[] = [];
    for (const id of ['eu', 'us']) {
      const self = (await open(id)).self;
      const line = (await open(id)).line(self);
      const told = await line.ask({ kind: 'list', prefixes: ['refs/gam/locks/'] });
      if (told.kind === 'refs') letting.push(id);
    }
    expect(letting.length, `killed at ${lives}`).toBeLessThanOrEqual(1);
    if (over) break;
    killedAt.push(lives);
    await moveArbiter(await open(lives % 4 === 3 ? 'us' : 'eu'), to);
    const lease = await lockMain(to);
    await lease.commit([{ ref: MAIN, old: first, new: second }]);
    await lease.commit([{ ref: MAIN, old: second, new: first }]);
    await lease.release();
    [from, to] = [to, from];
  }
  expect(killedAt.length).toBeGreaterThan(2);
  expect((await (await (await open('us')).openCoordinator()).state()).get(MAIN)).toBe(first);
});

test('what cannot become the arbiter is refused before anything changes', async () => {
  await begin('eu', 'us');
  await group.replica('eu', ['role', 'us', 'follower']);
  await group.idle(['eu', 'us']);
  const before = await sandbox.git(['for-each-ref'], { cwd: 'eu.git' });
  const follower = await group.replica('eu', ['arbiter', 'us'], { expectStatus: 2 });
  expect(follower.stderr).toContain('us is follower, and the arbiter is a primary');
  const unknown = await group.replica('eu', ['arbiter', '$(touch x)'], { expectStatus: 2 });
  expect(unknown.stderr).toContain('is no member of demo');
  expect(await sandbox.git(['for-each-ref'], { cwd: 'eu.git' })).toEqual(before);
});
