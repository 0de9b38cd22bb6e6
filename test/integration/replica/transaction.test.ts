import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lease } from '../../../src/replica/coordinator.ts';
import { OwnLine } from '../../../src/replica/member-line.ts';
import { perform } from '../../../src/replica/perform.ts';
import { RefsArbiter } from '../../../src/replica/refs-arbiter.ts';
import { RefsCoordinator } from '../../../src/replica/refs-coordinator.ts';
import type { Fault } from '../../helpers/line-fault.ts';
import type { PushedRef } from '../../helpers/push-history.ts';
import { makePushers, type Pusher } from '../../helpers/pusher.ts';
import { type ReplicaScene, type SceneMember, setReplicaScene } from '../../helpers/replica-scene.ts';

// Single pushes to a group of three primaries, and what their pushers are told.

let scene: ReplicaScene;
let pusher: Pusher;
let [eu, us, ap]: SceneMember[] = [];
/** What each branch that a test is about begins at. */
let old: string;

const BRANCHES = ['held', 'kept', 'few', 'alone', 'followed', 'cut-off', 'turns', 'other/leaf'];

beforeAll(async () => {
  scene = await setReplicaScene(['eu', 'us', 'ap']);
  [eu, us, ap] = scene.members;
  [pusher] = (await makePushers(scene.sandbox, ['ada'], 10 * scene.leaseMs)) as [Pusher];
  old = await make(us, ...BRANCHES.map((name) => `refs/heads/${name}`));
});

afterAll(() => scene.close());

const urlOf = (member: SceneMember | undefined) => member?.url ?? '';

/** All lines to and from a member. */
function cut(member: SceneMember | undefined, fault: Fault | null): void {
  member?.setFault(fault);
  for (const { id } of scene.members) {
    scene.setFault(id, member?.id ?? '', fault);
    scene.setFault(member?.id ?? '', id, fault);
  }
}

async function push(member: SceneMember | undefined, updates: readonly PushedRef[]) {
  const { pushes, stdout, stderr } = await pusher.push(urlOf(member), updates);
  return { outcomes: pushes.map(({ outcome }) => outcome), words: stdout + stderr };
}

async function make(member: SceneMember | undefined, ...refs: string[]): Promise<string> {
  const to = await pusher.commit(null);
  const { outcomes, words } = await push(
    member,
    refs.map((ref) => ({ ref, old: null, new: to })),
  );
  expect(outcomes, words).toEqual(refs.map(() => 'acknowledged'));
  return to;
}

/** Takes a lock as a push at the arbiter does. */
function lockHere(ref: string): Promise<Lease> {
  const run = { cwd: eu?.gitDir ?? '', env: scene.sandbox.env };
  const line = new OwnLine((operation) => perform(operation, { self: 'eu', run, wake: () => undefined }));
  const coordinator = new RefsCoordinator(new RefsArbiter(line, 'sha1'), { leaseMs: scene.leaseMs });
  const transaction = `eu-${ref.split('/').at(-1)}`;
  return coordinator.lock([ref], { holder: 'eu', transaction, signal: AbortSignal.timeout(30_000) });
}

async function expectAlike(): Promise<void> {
  expect(await scene.settled(60_000)).toEqual([]);
  const state = Object.fromEntries(await scene.state());
  for (const member of scene.members)
    expect([member.id, Object.fromEntries(await scene.refsOf(member))]).toEqual([member.id, state]);
}

test('tells the pusher how many have it, and deletes at any member, be it the arbiter or another', async () => {
  // git holds packed-refs from the preparation of a deletion, and the arbiter's state is in the same packed-refs: every deletion
  // of a branch was refused there.
  const names = ['eu', 'us'].map((id) => `refs/heads/gone-at-${id}`);
  const to = await make(ap, ...names);
  for (const [n, ref] of names.entries()) {
    const { outcomes, words } = await push(scene.members[n], [{ ref, old: to, new: null }]);
    expect([ref, outcomes], words).toEqual([ref, ['acknowledged']]);
    expect(words).toContain('replicated to 2 of 2');
  }
  await expectAlike();
});

test('takes branches of many histories in one push, where members look closely at what they get', async () => {
  for (const { gitDir } of scene.members)
    await scene.sandbox.git(['config', 'receive.fsckObjects', 'true'], { cwd: gitDir });
  const updates: PushedRef[] = [];
  for (let n = 0; n < 60; n += 1)
    updates.push({ ref: `refs/heads/many-${n}`, old: null, new: await pusher.commit(null) });
  const { outcomes, words } = await push(us, updates);
  expect(new Set(outcomes), words).toEqual(new Set(['acknowledged']));
  await expectAlike();
  for (const { gitDir } of scene.members) await scene.sandbox.git(['fsck', '--strict'], { cwd: gitDir });
});

test('of two branches that cannot both be, one is made', async () => {
  // What a push brings waits at the others under names of its own: these could not both be, either, and the whole push was refused.
  const to = await pusher.commit(null);
  const refs = ['refs/heads/fold', 'refs/heads/fold/leaf'];
  const { outcomes, words } = await push(
    us,
    refs.map((ref) => ({ ref, old: null, new: to })),
  );
  expect([...outcomes].sort(), words).toEqual(['acknowledged', 'refused']);
  await expectAlike();
});

test('tells for whom it waits, and goes on when the lock is free', async () => {
  const ref = 'refs/heads/held';
  const lease = await lockHere(ref);
  const to = await pusher.commit(old);
  const running = scene.sandbox.start('git', ['push', urlOf(us), `${to}:${ref}`], { cwd: 'clones/ada' });
  await running.saw('stderr', /gam: waiting for lock on refs\/heads\/held, held by eu since [0-9]+ s/);
  await lease.release();
  const { status, stderr } = await running.ended;
  expect(status, stderr).toBe(0);
  expect(stderr).toContain('replicated to 2 of 2');
});

test('refuses when the lock stays held, and says who holds it and what to do', async () => {
  const ref = 'refs/heads/kept';
  const lease = await lockHere(ref);
  const { outcomes, words } = await push(ap, [{ ref, old, new: await pusher.commit(old) }]);
  await lease.release();
  expect(outcomes).toEqual(['refused']);
  expect(words).toMatch(/refs\/heads\/kept is held by eu.*; push again later; gam replica locks/);
  await expectAlike();
});

test('refuses when too few can be reached, and changes nothing', async () => {
  const ref = 'refs/heads/few';
  cut(us, { kind: 'reset' });
  cut(ap, { kind: 'reset' });
  const { outcomes, words } = await push(eu, [{ ref, old, new: await pusher.commit(old) }]);
  cut(us, null);
  cut(ap, null);
  expect(outcomes).toEqual(['refused']);
  expect(words).toMatch(/only 1 of 3 primaries have it, 2 must: .*; push again when they are back/);
  expect((await scene.state()).get(ref)).toBe(old);
  await expectAlike();
});

test('refuses when the arbiter cannot be reached, while fetches go on', async () => {
  const ref = 'refs/heads/alone';
  cut(eu, { kind: 'reset' });
  const { outcomes, words } = await push(us, [{ ref, old, new: await pusher.commit(old) }]);
  const seen = await pusher.look(urlOf(us));
  cut(eu, null);
  expect(outcomes).toEqual(['refused']);
  expect(words).toMatch(/\(gam: .* cannot be reached/);
  expect(seen?.get(ref)).toBe(old);
  await expectAlike();
});

test('acknowledges what the group has, also where the git of this member is killed then, and this member follows', async () => {
  // The push was refused though the group had it, and what it had brought was withdrawn from the others.
  const ref = 'refs/heads/followed';
  us?.faults.give({
    process: 'push',
    when: 'before',
    step: 'local',
    number: 1,
    target: 'child',
    signal: 'SIGKILL',
  });
  const to = await pusher.commit(old);
  const { outcomes, words } = await push(us, [{ ref, old, new: to }]);
  expect(us?.faults.done).toEqual(['SIGKILL child']);
  expect(outcomes, words).toEqual(['acknowledged']);
  expect(words).toContain('the group has it, and us follows');
  // By itself: the lock file of the killed git goes when it is older than a lease.
  await expectAlike();
  expect((await scene.state()).get(ref)).toBe(to);
});

test('a push whose process was killed behind its commit point reaches all by the next push there, of whatever', async () => {
  // Only the coordinator knew of it: the members had the old value until somebody repaired each of them.
  const ref = 'refs/heads/cut-off';
  us?.faults.clear();
  us?.faults.give({
    process: 'push',
    when: 'after',
    step: 'commit',
    number: 1,
    target: 'self',
    signal: 'SIGKILL',
  });
  const to = await pusher.commit(old);
  expect((await push(us, [{ ref, old, new: to }])).outcomes).toEqual(['unknown']);
  await make(us, 'refs/heads/next');
  await expectAlike();
  expect((await scene.state()).get(ref)).toBe(to);
  const again = await push(ap, [{ ref, old: to, new: await pusher.commit(to) }]);
  expect(again.outcomes, again.words).toEqual(['acknowledged']);
});

test('catches up where branches have become folders, and folders branches', async () => {
  // All was swapped at once, which git refuses while a name is in the way, and again when it was tried again.
  cut(ap, { kind: 'reset' });
  const gone = ['refs/heads/turns', 'refs/heads/other/leaf'];
  const deleted = await push(
    eu,
    gone.map((ref) => ({ ref, old, new: null })),
  );
  expect(deleted.outcomes, deleted.words).toEqual(['acknowledged', 'acknowledged']);
  await make(eu, 'refs/heads/turns/leaf', 'refs/heads/other');
  cut(ap, null);
  expect(await scene.repair()).toEqual([]);
  await expectAlike();
});

test('moves nothing where the arbiter has lost the state', async () => {
  // An arbiter whose repository was put back empty had every member delete all of its refs.
  await expectAlike();
  const before = Object.fromEntries(await scene.refsOf(us as SceneMember));
  const gitDir = eu?.gitDir ?? '';
  const { stdout } = await scene.sandbox.git(
    ['for-each-ref', '--format=delete %(refname)', 'refs/gam/state'],
    {
      cwd: gitDir,
    },
  );
  await scene.sandbox.git(['update-ref', '--stdin'], { cwd: gitDir, input: stdout });
  const { status, stderr } = await scene.sandbox.run(
    'gam',
    ['replica', 'reconcile', '--repo', us?.gitDir ?? ''],
    {
      expectStatus: null,
    },
  );
  expect([status, stderr]).toEqual([1, expect.stringContaining('lost the state of the group')]);
  expect(Object.fromEntries(await scene.refsOf(us as SceneMember))).toEqual(before);
});
