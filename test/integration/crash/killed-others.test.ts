import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import {
  describeMoment,
  everyThird,
  learnMoments,
  type Moment,
  momentsOf,
  signalAt,
} from '../../helpers/moments.ts';
import { asFetched } from '../../helpers/refs.ts';
import {
  cloneArguments,
  expectFetched,
  expectForEach,
  expectRecovery,
  type Scene,
  setScene,
} from '../../helpers/scene.ts';

// SIGKILL for those around the helper: each of its children right after its start, git itself at each step;
// and for the helper of a clone.

/** node starts git's web helper itself, as where there is no perl. */
const ALONE = { PERL5OPT: '' };

let scene: Scene;
let fetching: Moment[];
let cloning: Moment[];

beforeAll(async () => {
  scene = await setScene({ transport: 'http' });
  const { sandbox } = scene;
  fetching = await learnMoments(sandbox, async (env) => {
    await scene.copy('learn');
    await sandbox.git(['fetch'], { cwd: 'learn', env: { ...env, ...ALONE } });
    await expectFetched(scene, 'learn');
  });
  cloning = await learnMoments(sandbox, async (env) => {
    await sandbox.git(cloneArguments(scene, 'learn-clone'), { env });
    await expectNoChildren(sandbox);
  });
});

afterAll(() => scene.close());

// Without these two there is no fetch: one reads the configuration, the other speaks with canonical.
function isVital({ name }: Moment): boolean {
  return name.startsWith('git config') || /remote-http origin /.test(name);
}

// Behind the update-ref that stages comes what sweeps a small staging.
function isSweeping({ number }: Moment): boolean {
  const spawns = momentsOf(fetching, 'helper', 'spawn');
  return number > (spawns.find(({ name }) => name.includes('update-ref'))?.number ?? 0);
}

test('a child of the helper is killed', async () => {
  const children = momentsOf(fetching, 'helper', 'spawn');
  expect(children.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/remote-http origin/),
      expect.stringMatching(/remote-http .*mirror\.git/),
      expect.stringMatching(/fetch-pack/),
      expect.stringMatching(/update-ref/),
    ]),
  );
  await expectForEach(everyThird(children), describeMoment, async (moment) => {
    const clone = await scene.copy(`child-${moment.number}`);
    const env = { ...signalAt(scene.sandbox, moment, 'SIGKILL', 'child'), ...ALONE };
    const { status } = await scene.sandbox.git(['fetch'], { cwd: clone, env, expectStatus: null });
    if (isVital(moment)) {
      expect(status).toBe(128);
      expect(await scene.isUntouched(clone)).toBe(true);
    } else {
      expect(status).toBe(0);
      await expectSameRefs(scene.sandbox, clone, 'served/canonical.git', asFetched);
    }
    await expectNoChildren(scene.sandbox);
    // What the helper could not sweep itself is for the next one.
    if (!isSweeping(moment)) await expectClean(scene.sandbox, clone);
    // A fetch that went on without that child has left nothing to recover from.
    if (isVital(moment) || isSweeping(moment)) await expectRecovery(scene, clone);
  });
});

test('git is killed at a step of a fetch', async () => {
  const steps = momentsOf(fetching, 'helper', 'trace');
  await expectForEach(everyThird(steps), describeMoment, async (moment) => {
    const clone = await scene.copy(`git-${moment.number}`);
    const env = signalAt(scene.sandbox, moment, 'SIGKILL', 'git');
    const { signal } = await scene.sandbox.git(['fetch'], { cwd: clone, env, expectStatus: null });
    expect(signal).toBe('SIGKILL');
    expect(await scene.isUntouched(clone)).toBe(true);
    // The helper that git left behind has noticed, and cleans up after both.
    await expectNoChildren(scene.sandbox);
    await expectClean(scene.sandbox, clone);
    await expectRecovery(scene, clone);
  });
});

test('the helper of a clone is killed at each step: git removes the folder, and nobody makes it again', async () => {
  const steps = momentsOf(cloning, 'helper', 'trace');
  await expectForEach(everyThird(steps), describeMoment, async (moment) => {
    const to = `clone-${moment.number}`;
    const env = signalAt(scene.sandbox, moment, 'SIGKILL', 'self');
    const ended = await scene.sandbox.git(cloneArguments(scene, to), { env, expectStatus: null });
    // git may be about to write to the helper, and not to read what it says.
    expect([128, 'SIGPIPE']).toContain(ended.signal ?? ended.status);
    await expectNoChildren(scene.sandbox);
    expect(existsSync(scene.sandbox.path(to))).toBe(false);
  });
});

test('git itself is killed at a step of a clone: the rest is fetched into what it leaves', async () => {
  // Before its request git has not yet written down what to fetch, and leaves a repository without a remote.
  const names = ['request-held', 'migrated', 'refs-written', 'request-released'];
  const steps = momentsOf(cloning, 'helper', 'trace').filter(({ name }) => names.includes(name));
  expect(steps.length).toBeGreaterThanOrEqual(names.length);
  await expectForEach(everyThird(steps), describeMoment, async (moment) => {
    const to = `killed-clone-${moment.number}`;
    const env = signalAt(scene.sandbox, moment, 'SIGKILL', 'git');
    const { signal } = await scene.sandbox.git(cloneArguments(scene, to), { env, expectStatus: null });
    expect(signal).toBe('SIGKILL');
    await expectRecovery(scene, to);
  });
});
