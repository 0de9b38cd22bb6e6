import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'vitest';
import type { Running } from '../helpers/child.ts';
import { expectNoChildren, fsckComplaints } from '../helpers/evidence.ts';
import { openLine } from '../helpers/line.ts';
import { below, oneOf, seededRandom } from '../helpers/random.ts';
import { type Machine, openWatchScene, until, type WatchScene } from '../helpers/watch-scene.ts';

/** Edits on each side; 500 take three minutes, and more than a minute of the processor. */
const EDITS = Number(process.env['GAM_WATCH_EDITS'] ?? 30);

/** Between two edits of one machine, at most: what is killed and cut off comes while both write. */
const PACE_MS = 600;

let scene: WatchScene;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  scene = await openWatchScene();
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await scene.close();
});

const wordsIn = (text: string) => text.split('\n').filter((line) => line !== '');

/** Both machines and the remote have the same commit, and no changes. */
async function inStep(machines: readonly Machine[]): Promise<boolean> {
  const tip = await scene.tip('served/remote.git');
  for (const machine of machines) {
    if ((await machine.git('rev-parse', 'HEAD')) !== tip) return false;
    if ((await machine.git('--no-optional-locks', 'status', '--porcelain')) !== '') return false;
  }
  return true;
}

/** Nothing is pushed any more, although each of them has looked again several times. */
async function expectRest(machines: readonly Machine[]): Promise<void> {
  const tip = await scene.tip('served/remote.git');
  scene.server.requests.length = 0;
  const asked = () => scene.server.requests.filter(({ path }) => path.endsWith('/git-upload-pack')).length;
  await until('some looks more', () => asked() >= 3 * machines.length);
  assert.deepEqual(
    scene.server.requests.filter(({ path, query }) => `${path}?${query}`.includes('receive-pack')),
    [],
  );
  assert.equal(await scene.tip('served/remote.git'), tip);
}

/** Writes lines into files of a machine, a few to a file, and into those that the other one writes, too. */
async function edit(machine: Machine, mark: string, count: number, seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const written: string[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const word = `${mark}-${turn}`;
    const own = `${mark}/${below(random, 20)}.txt`;
    // A file that somebody writes all the time is not replaced under his hands; so both write the same one now and then only.
    const name = below(random, 10) > 0 ? own : oneOf(random, ['shared', `both-${below(random, 5)}.txt`]);
    const lines = wordsIn(machine.read(name) ?? '');
    lines.splice(below(random, lines.length + 1), 0, word);
    mkdirSync(machine.path(mark), { recursive: true });
    machine.write(name, `${lines.join('\n')}\n`);
    written.push(word);
    await pause(below(random, PACE_MS));
  }
  return written;
}

/** All lines that are in the tree, or were ever added by a commit. */
async function everyLine(machine: Machine): Promise<Set<string>> {
  const log = await machine.git('log', '-p', '-m', '--first-parent', '--all', '--format=');
  const all = `${log}\n${await machine.git('log', '-p', '--all', '--format=')}`;
  return new Set(all.split('\n').flatMap((line) => /^\+([^+].*)$/.exec(line)?.[1] ?? []));
}

const end = async (running: Running) => {
  running.kill('SIGTERM');
  const { status, stdout } = await running.ended;
  assert.equal(status, 0);
  return stdout;
};

const mergesTold = (text: string) => text.split('\n').filter((line) => line.includes('merged with')).length;

describe('two machines that watch', () => {
  it('end up with the same when both write at once, one is killed, and the other is cut off', {
    timeout: 600_000,
  }, async () => {
    const line = await openLine({ to: scene.server.port, latency: 5 });
    open.push(line);
    const here = await scene.machine('here');
    const there = await scene.machine('there', [], `http://127.0.0.1:${line.port}`);
    const first = await here.watch();
    const running = await there.watch();
    const writing = [edit(here, 'here', EDITS, 1), edit(there, 'there', EDITS, 2)];
    await until(
      'something of the other',
      async () => here.read('there/1.txt') !== null || (await here.git('rev-list', '--count', 'HEAD')) > '5',
    );
    first.kill('SIGKILL');
    const killed = await first.ended;
    const second = await here.watch();
    line.setFault({ kind: 'reset' });
    line.cut();
    await there.is(({ state }) => state === 'offline');
    const committed = there.status()?.lastCommit;
    there.write('there-offline.txt', 'offline\n');
    await there.is(
      ({ lastCommit, state, ahead }) => lastCommit !== committed && state === 'offline' && ahead,
    );
    line.setFault(null);
    await running.saw('stdout', /in step again/);
    const written = (await Promise.all(writing)).flat();
    await until('in step', () => inStep([here, there]));
    await expectRest([here, there]);

    const lines = await everyLine(there);
    assert.deepEqual(
      [...written, 'offline'].filter((word) => !lines.has(word)),
      [],
    );
    const count = async (...args: string[]) => Number(await here.git('rev-list', '--count', ...args, 'HEAD'));
    const [merges, commits] = [await count('--merges'), await count('--no-merges')];
    // What has one parent is somebody's; a merge needs somebody who has something to publish, and publishes it.
    assert.ok(merges > 0 && merges < commits, `${merges} merges of ${commits} commits`);
    for (const one of [here, there]) assert.deepEqual(await fsckComplaints(scene.sandbox, one.clone), []);
    assert.deepEqual(await fsckComplaints(scene.sandbox, 'served/remote.git'), []);
    if (EDITS > 100) console.log({ edits: EDITS, merges, commits });
    const told = [killed.stdout, await end(second), await end(running)].map(mergesTold);
    // The one that was killed may not have come to telling of its last one.
    assert.ok(
      merges <= told.reduce((sum, one) => sum + one, 1),
      `${merges} merges, told of ${told.join(' + ')}`,
    );
    await expectNoChildren(scene.sandbox);
  });

  it('leave each other room where one of them saves without an end', async () => {
    // Far enough that it takes longer to merge than the other one takes to push again.
    const line = await openLine({ to: scene.server.port, latency: 60 });
    open.push(line);
    const here = await scene.machine('here');
    const there = await scene.machine('there', [], `http://127.0.0.1:${line.port}`);
    const running = [await here.watch(), await there.watch()];
    const hasPushed = async () => (await here.git('rev-list', '--count', 'refs/remotes/origin/main')) > '3';
    let saved = 0;
    const over = new AbortController();
    const save = async () => {
      for (; !over.signal.aborted; saved += 1) {
        here.write(`saved-${saved % 10}.txt`, `${saved}\n`);
        await pause(250);
      }
    };
    const saving = save();
    try {
      await until('some pushes', hasPushed);
      there.write('there.txt', 'there\n');
      await until('the file of the other one, while this one saves', () => here.read('there.txt') !== null);
    } finally {
      over.abort();
      await saving;
    }
    await until('in step', () => inStep([here, there]));
    for (const one of running) await end(one);
  });
});
