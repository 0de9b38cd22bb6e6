import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  describeMoment,
  everyThird,
  learnMoments,
  type Moment,
  momentsOf,
  signalAt,
} from '../../helpers/moments.ts';
import {
  expectFetched,
  expectForEach,
  expectRecovery,
  expectRecoveryDisabled,
  type Scene,
  setScene,
} from '../../helpers/scene.ts';

// SIGKILL at every step of a fetch, and right before every change that gam makes to the file system. git
// makes the commits of the fetch visible only at its end, so each time either all of it is there or nothing.

interface Learnt {
  scene: Scene;
  moments: Moment[];
}

/** A staging so small that the helper sweeps behind it, and one that gets a sweeper. */
let small: Learnt;
let large: Learnt;

async function learn(bulk: number): Promise<Learnt> {
  const scene = await setScene({ transport: 'http', bulk, config: { 'fetch.unpackLimit': '1' } });
  const moments = await learnMoments(scene.sandbox, async (env) => {
    await scene.copy('learn');
    await scene.sandbox.git(['fetch'], { cwd: 'learn', env });
    await expectFetched(scene, 'learn');
  });
  return { scene, moments };
}

beforeAll(async () => {
  small = await learn(0);
  large = await learn(5 << 20);
});

afterAll(async () => {
  await small.scene.close();
  await large.scene.close();
});

// Before that, nothing of a mirror lies where git would see it.
function hasMigrated({ moments }: Learnt, { role, kind, number }: Moment): boolean {
  if (role !== 'helper' || kind !== 'trace') return false;
  const migrated = momentsOf(moments, 'helper', 'trace').find(({ name }) => name === 'migrated');
  return migrated !== undefined && number >= migrated.number;
}

async function killAndRecover(
  learnt: Learnt,
  moment: Moment,
  target: 'self' | 'child' = 'self',
): Promise<void> {
  const { scene } = learnt;
  const { sandbox } = scene;
  const clone = await scene.copy(`killed-${moment.role}-${moment.kind}-${moment.number}`);
  const env = signalAt(sandbox, moment, 'SIGKILL', target);
  const { status, signal } = await sandbox.git(['fetch'], { cwd: clone, env, expectStatus: null });
  // As plain git: 1 when its helper dies with everything said, 128 when it dies before, and a broken pipe when git
  // was about to write to it.
  expect([0, 1, 128, 'SIGPIPE']).toContain(signal ?? status);
  if (status !== 0) expect(await scene.isUntouched(clone)).toBe(true);
  if (hasMigrated(learnt, moment)) await expectRecoveryDisabled(scene, clone);
  await expectRecovery(scene, clone);
}

test('the helper is killed after each step', async () => {
  const steps = momentsOf(small.moments, 'helper', 'trace');
  expect(steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['quarantine-opened', 'pack-received', 'migrated', 'refs-written', 'end']),
  );
  await expectForEach(everyThird(steps), describeMoment, (moment) => killAndRecover(small, moment));
});

test('the helper is killed before each change to the file system', async () => {
  const changes = momentsOf(small.moments, 'helper', 'change');
  expect(changes.map(({ name }) => name.split(' ')[0])).toEqual(
    expect.arrayContaining(['mkdtemp', 'writeFile', 'rename']),
  );
  await expectForEach(everyThird(changes), describeMoment, (moment) => killAndRecover(small, moment));
});

test('the helper is killed while it hands over to a sweeper', async () => {
  const all = momentsOf(large.moments, 'helper', 'trace');
  const steps = all.slice(all.findIndex(({ name }) => name === 'migrated'));
  expect(steps.map(({ name }) => name)).toContain('sweeper-started');
  await expectForEach(everyThird(steps), describeMoment, (moment) => killAndRecover(large, moment));
});

test('the sweeper is killed before it starts, and at each of its steps', async () => {
  const { moments } = large;
  const start = momentsOf(moments, 'helper', 'spawn').filter(({ name }) => name.includes('--sweep'));
  expect(start).toHaveLength(1);
  await expectForEach(start, describeMoment, (moment) => killAndRecover(large, moment, 'child'));
  const steps = [...momentsOf(moments, 'sweeper', 'spawn'), ...momentsOf(moments, 'sweeper', 'change')];
  expect(steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining([expect.stringMatching('update-ref'), expect.stringMatching('^rm .*keep$')]),
  );
  await expectForEach(everyThird(steps), describeMoment, (moment) => killAndRecover(large, moment));
});
