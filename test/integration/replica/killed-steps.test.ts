import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STEPS } from '../../helpers/member-fault.ts';
import { describePush, faultsOf, type RecordedPush, type Refs } from '../../helpers/push-history.ts';
import { makePushers } from '../../helpers/pusher.ts';
import { type ReplicaScene, setReplicaScene } from '../../helpers/replica-scene.ts';

// The hook's process gets SIGKILL just before and just after each step of a push ("One push" in ARCHITECTURE.md): at the arbiter, at
// another member, and at the arbiter while it does what that member asks. Each push is of a branch of its own, so that one repair serves all.
// It is before each step, and behind its last and the commit point: what is behind another one is before the next.

/** Behind this step the group has the push, whoever is killed. */
const COMMIT = STEPS.indexOf('commit');

const casesOf = (steps: readonly (typeof STEPS)[number][], isAsked: boolean) =>
  steps.flatMap((step) =>
    (['before', 'after'] as const).map((when) => {
      const n = STEPS.indexOf(step);
      const isDone = isAsked || n > COMMIT || (n === COMMIT && when === 'after');
      return { step, when, ref: `refs/heads/${when}-${step}`, isDone };
    }),
  );

type Case = ReturnType<typeof casesOf>[number];

const isMoment = ({ when, step }: Case) => when === 'before' || step === 'commit' || step === 'report';

describe.each([
  { where: 'of a push at the arbiter', id: 'eu', asked: null, steps: STEPS },
  // The arbiter takes the locks, and gives them back, along with the commit.
  {
    where: 'of a push at another member',
    id: 'us',
    asked: null,
    steps: STEPS.filter((step) => step !== 'lock' && step !== 'release'),
  },
  {
    where: 'of the arbiter that another member asks',
    id: 'us',
    asked: 'eu',
    steps: ['commit', 'release', 'report'] as const,
  },
])('SIGKILL for the process $where', ({ id, asked, steps }) => {
  const cases = casesOf(steps, asked !== null).filter(isMoment);
  let scene: ReplicaScene;
  const pushes: RecordedPush[] = [];
  const killed: number[] = [];
  const words = new Map<string, string>();
  let state: Refs;
  let members: Map<string, Refs>;

  beforeAll(async () => {
    // Whoever asks the arbiter again does so within a lease, and a busy machine is slow.
    scene = await setReplicaScene(['eu', 'us', 'ap'], asked === null ? undefined : 8000);
    const [pusher] = await makePushers(scene.sandbox, ['ada'], 10 * scene.leaseMs);
    const member = scene.members.find((one) => one.id === id);
    const harmed = scene.members.find((one) => one.id === (asked ?? id));
    if (pusher === undefined || member === undefined || harmed === undefined)
      throw new Error('there is nobody');
    const [first, second] = [await pusher.commit(null), await pusher.commit(null)];
    const begun = await pusher.push(
      member.url,
      cases.map(({ ref }) => ({ ref, old: null, new: first })),
    );
    pushes.push(...begun.pushes);
    for (const { step, when, ref } of cases) {
      const kill = { when, step, number: 1, target: 'self', signal: 'SIGKILL' } as const;
      harmed.faults.give({ ...kill, process: asked === null ? 'push' : 'hook' });
      const pushed = await pusher.push(member.url, [{ ref, old: first, new: second }]);
      pushes.push(...pushed.pushes);
      words.set(ref, pushed.stdout + pushed.stderr);
      killed.push(harmed.faults.done.length);
    }
    // git goes on alone where its hook is gone: what it had under way comes to its end.
    expect((await scene.settled(60_000)).filter((line) => !line.endsWith(' work'))).toEqual([]);
    expect(await scene.repair()).toEqual([]);
    expect(await scene.settled(60_000)).toEqual([]);
    state = await scene.state();
    members = new Map();
    for (const one of scene.members) members.set(one.id, await scene.refsOf(one));
  });

  afterAll(() => scene.close());

  test.each(cases)('$when its step $step', ({ ref, step, when, isDone }) => {
    const own = pushes.filter(({ updates }) => updates.some((update) => update.ref === ref));
    const [begun, cut] = own.map(({ outcome }) => outcome);
    expect(begun).toBe('acknowledged');
    expect(killed[cases.findIndex((one) => one.ref === ref)], `${when} ${step}: nobody was killed`).toBe(
      cases.findIndex((one) => one.ref === ref) + 1,
    );
    // Whoever asked the arbiter asks again. Killed behind its report, a push may have been heard.
    if (asked !== null) expect(cut, words.get(ref)).toBe('acknowledged');
    else if (step !== 'report' || when === 'before') expect(cut, words.get(ref)).toBe('unknown');
    const [old, next] = own.map(({ updates }) => updates[0]?.new);
    expect(state.get(ref), own.map(describePush).join('\n')).toBe(isDone ? next : old);
    for (const [name, refs] of members) expect([name, refs.get(ref)]).toEqual([name, state.get(ref)]);
  });

  test('all of it together keeps the promises, and nothing is left behind', async () => {
    const complaints = new Map<string, string>();
    for (const { id: name, gitDir } of scene.members) {
      const { status, stderr } = await scene.sandbox.git(['fsck'], { cwd: gitDir, expectStatus: null });
      complaints.set(name, status === 0 ? '' : stderr);
    }
    expect(faultsOf({ before: new Map(), pushes, state, members, complaints })).toEqual([]);
    for (const member of scene.members)
      expect([member.id, await scene.leftovers(member)]).toEqual([member.id, []]);
  });
});
