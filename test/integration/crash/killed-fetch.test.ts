import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeMoment, learnMoments, type Moment, momentsOf, signalAt } from '../../helpers/moments.ts';
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

let scene: Scene;
let moments: Moment[];

beforeAll(async () => {
  scene = await setScene({ transport: 'http', config: { 'fetch.unpackLimit': '1' } });
  moments = await learnMoments(scene.sandbox, async (env) => {
    await scene.copy('learn');
    await scene.sandbox.git(['fetch'], { cwd: 'learn', env });
    await expectFetched(scene, 'learn');
  });
});

afterAll(() => scene.close());

async function killAndRecover(moment: Moment): Promise<void> {
  const { sandbox } = scene;
  const clone = await scene.copy(`killed-${moment.role}-${moment.kind}-${moment.number}`);
  const env = signalAt(sandbox, moment, 'SIGKILL', 'self');
  const { status } = await sandbox.git(['fetch'], { cwd: clone, env, expectStatus: null });
  // As plain git: 1 when its helper dies with everything said, 128 when it dies before.
  expect([0, 1, 128]).toContain(status);
  if (status !== 0) expect(await scene.isUntouched(clone)).toBe(true);
  if (moment.kind === 'trace') await expectRecoveryDisabled(scene, clone);
  await expectRecovery(scene, clone);
}

test('the helper is killed after each step', async () => {
  const steps = momentsOf(moments, 'helper', 'trace');
  expect(steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['quarantine-opened', 'pack-received', 'migrated', 'refs-written', 'end']),
  );
  await expectForEach(steps, describeMoment, killAndRecover);
});

test('the helper is killed before each change to the file system', async () => {
  const changes = momentsOf(moments, 'helper', 'change');
  expect(changes.map(({ name }) => name.split(' ')[0])).toEqual(
    expect.arrayContaining(['mkdtemp', 'writeFile', 'rename']),
  );
  await expectForEach(changes, describeMoment, killAndRecover);
});

test('the sweeper is killed at each of its steps', async () => {
  const steps = [...momentsOf(moments, 'sweeper', 'spawn'), ...momentsOf(moments, 'sweeper', 'change')];
  expect(steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining([expect.stringMatching('update-ref'), expect.stringMatching('^rm .*keep$')]),
  );
  await expectForEach(steps, describeMoment, killAndRecover);
});
