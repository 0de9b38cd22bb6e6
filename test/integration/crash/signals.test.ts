import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilNothing } from '../../helpers/bystanders.ts';
import type { Ended } from '../../helpers/child.ts';
import { expectClean, expectNoChildren, leftovers } from '../../helpers/evidence.ts';
import { type Line, openLine } from '../../helpers/line.ts';
import {
  describeMoment,
  everyThird,
  learnMoments,
  type Moment,
  momentsOf,
  signalAt,
  type Target,
} from '../../helpers/moments.ts';
import { setOrigin } from '../../helpers/repository.ts';
import { cloneArguments, expectFetched, expectForEach, type Scene, setScene } from '../../helpers/scene.ts';

// Whoever interrupts a fetch or a clone finds everything as it was: no process, file or ref is left.

let scene: Scene;
let fetching: Moment[];
let cloning: Moment[];
let line: Line;

beforeAll(async () => {
  scene = await setScene({ transport: 'http' });
  line = await openLine({ to: scene.server.port, fault: { kind: 'stall', after: 4000 } });
  fetching = await learnMoments(scene.sandbox, async (env) => {
    await scene.copy('learn');
    await scene.sandbox.git(['fetch'], { cwd: 'learn', env });
    await expectFetched(scene, 'learn');
  });
  cloning = await learnMoments(scene.sandbox, async (env) => {
    await scene.sandbox.git(cloneArguments(scene, 'learn-clone'), { env });
    await expectFetched(scene, 'learn-clone');
  });
});

afterAll(async () => {
  await line.close();
  await scene.close();
});

const STEPS = [
  'request-held',
  'mirror-fetch',
  'pack-received',
  'migrated',
  'refs-written',
  'request-released',
];

/** A clone has these besides. */
const HEAD_START = ['head-start', 'head-start-taken'];

function steps(moments: readonly Moment[], names: readonly string[]): Moment[] {
  const all = momentsOf(moments, 'helper', 'trace').filter(({ name }) => names.includes(name));
  expect(new Set(all.map(({ name }) => name)).size).toBe(names.length);
  return all;
}

interface Interruption {
  signal: NodeJS.Signals;
  target: Target;
  /** How plain git ends: by the signal, or with a status when only its helper got it. */
  ends: Pick<Ended, 'status' | 'signal'>;
}

const BY_SIGINT = { status: null, signal: 'SIGINT' } as const;
const INTERRUPTIONS: Interruption[] = [
  { signal: 'SIGINT', target: 'group', ends: BY_SIGINT },
  { signal: 'SIGINT', target: 'git', ends: BY_SIGINT },
  { signal: 'SIGTERM', target: 'self', ends: { status: 128, signal: null } },
];

for (const { signal, target, ends } of INTERRUPTIONS) {
  test(`${signal} to ${target === 'self' ? 'the helper' : target} in a fetch`, async () => {
    await expectForEach(everyThird(steps(fetching, STEPS)), describeMoment, async (moment) => {
      const clone = await scene.copy(`fetch-${signal}-${target}-${moment.number}`);
      const env = signalAt(scene.sandbox, moment, signal, target);
      const ended = await scene.sandbox.git(['fetch'], { cwd: clone, env, expectStatus: null });
      expect(ended).toMatchObject(ends);
      expect(await scene.isUntouched(clone)).toBe(true);
      await expectNoChildren(scene.sandbox);
      await expectClean(scene.sandbox, clone);
    });
  });

  test(`${signal} to ${target === 'self' ? 'the helper' : target} in a clone`, async () => {
    await expectForEach(
      everyThird(steps(cloning, [...STEPS, ...HEAD_START])),
      describeMoment,
      async (moment) => {
        const to = `clone-${signal}-${target}-${moment.number}`;
        const env = signalAt(scene.sandbox, moment, signal, target);
        const ended = await scene.sandbox.git(cloneArguments(scene, to), { env, expectStatus: null });
        expect(ended).toMatchObject(ends);
        await expectNoChildren(scene.sandbox);
        expect(existsSync(scene.sandbox.path(to))).toBe(false);
      },
    );
  });
}

/** The helper of a running git. */
async function helperPid(): Promise<number> {
  const isHelper = ({ command }: { command: string }) => /\bnode\b.*git-remote-mirror/.test(command);
  await untilNothing(() => (scene.sandbox.living().some(isHelper) ? [] : ['no helper yet']));
  return scene.sandbox.living().find(isHelper)?.pid ?? 0;
}

for (const { signal, target, ends } of INTERRUPTIONS) {
  test(`${signal} to ${target === 'self' ? 'the helper' : target} while a mirror is silent in the middle of its pack`, async () => {
    const slow = `http://127.0.0.1:${line.port}/mirror.git`;
    const clone = await scene.copy(`stalled-${signal}-${target}`);
    setOrigin(scene.sandbox, clone, { mirrorUrl: slow });
    const to = `stalled-clone-${signal}-${target}`;
    const words = cloneArguments({ ...scene, mirror: slow }, to);
    for (const [args, cwd] of [
      [['fetch'], clone],
      [words, '.'],
    ] as const) {
      const before = line.bytesDown;
      const running = scene.sandbox.start('git', args, { cwd });
      await line.reached(before + 4000);
      if (target === 'group') running.kill(signal);
      else process.kill(target === 'git' ? (running.child.pid ?? 0) : await helperPid(), signal);
      expect(await running.ended).toMatchObject(ends);
      await expectNoChildren(scene.sandbox);
    }
    expect(await scene.isUntouched(clone)).toBe(true);
    await expectClean(scene.sandbox, clone);
    expect(existsSync(scene.sandbox.path(to))).toBe(false);
  });
}

test('SIGTERM to the helper while canonical is silent in the middle of its answer', async () => {
  const clone = await scene.copy('silent-canonical');
  const slow = `http://127.0.0.1:${line.port}/canonical.git`;
  setOrigin(scene.sandbox, clone, { url: `mirror::${slow}`, mirrorUrl: '/nowhere' });
  const before = line.bytesDown;
  const running = scene.sandbox.start('git', ['fetch'], { cwd: clone });
  await line.reached(before + 4000);
  process.kill(await helperPid(), 'SIGTERM');
  expect((await running.ended).status).toBe(128);
  await expectNoChildren(scene.sandbox);
  await expectClean(scene.sandbox, clone);
});

test('nobody reads what git says', async () => {
  for (const closed of ['2>&-', '>&- 2>&-', '2>/dev/full', '| :', '2>&1 | :']) {
    const clone = await scene.copy(`unread-${closed.replaceAll(/\W/g, '')}`);
    await scene.sandbox.run('sh', ['-c', `git fetch --progress ${closed}`], { cwd: clone });
    await expectNoChildren(scene.sandbox);
    // git itself may die of a pipe without a reader; then it has fetched nothing at all, and may leave the
    // pack that it was about to index.
    const left = await untilNothing(async () =>
      (await leftovers(scene.sandbox, clone, 0)).filter((name) => !name.startsWith('objects/pack/tmp_pack_')),
    );
    expect(left).toEqual([]);
    if (!(await scene.isUntouched(clone))) await expectFetched(scene, clone);
  }
});

test('Ctrl-C on a terminal', async () => {
  const { sandbox } = scene;
  const slow = `http://127.0.0.1:${line.port}/mirror.git`;
  const before = line.bytesDown;
  const words = cloneArguments({ ...scene, mirror: slow }, 'by-terminal').filter((word) => word !== '-q');
  const file = sandbox.path('typescript');
  const command = `git ${words.map((word) => `'${word}'`).join(' ')}`;
  const running = sandbox.start('sh', [
    '-c',
    `(while [ ! -e stop ]; do sleep 0.05; done; printf '\\003') | script -qec "${command}" ${file}`,
  ]);
  // In its head start the mirror sends before gam says so.
  await Promise.all([line.reached(before + 4000), running.saw('stdout', /gam: fetching from/)]);
  await sandbox.run('touch', ['stop']);
  await running.ended;
  await expectNoChildren(sandbox);
  expect(existsSync(sandbox.path('by-terminal'))).toBe(false);
});
