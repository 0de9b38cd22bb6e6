import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { takeOwnedLock } from '../../../src/git/owned-lock.ts';
import { startWorker } from '../../../src/main/member-process.ts';
import { placesOf } from '../../../src/replica/places.ts';
import { enqueueLook } from '../../../src/replica/queue.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;

beforeAll(() => {
  sandbox = makeSandbox();
});

afterAll(() => sandbox.close());

// Fifty pushes at once started 268 workers, each of which found another one at work and ended.
test('a worker is started where none is at work, also where one has died', async () => {
  const gitDir = sandbox.path('tmp');
  const places = placesOf(gitDir);
  mkdirSync(places.folder, { recursive: true });
  enqueueLook(places.queue, 'us');
  const started = sandbox.path('tmp/started');
  const program = sandbox.path('tmp/program.cjs');
  writeFileSync(
    program,
    `require('node:fs').appendFileSync(${JSON.stringify(started)}, process.env.ROUND + '\\n');`,
  );
  const start = (round: string) =>
    startWorker(
      { gitDir, places, run: { env: { ...sandbox.env, ROUND: round } } },
      { node: process.execPath, program },
    );
  const rounds = () => (existsSync(started) ? readFileSync(started, 'utf8').trim().split('\n') : []);
  const lock = await takeOwnedLock(places.workerLock, processName(process.pid), AbortSignal.abort());
  for (let n = 0; n < 5; n += 1) start('while it is held');
  await lock?.release();
  const { child, ended } = sandbox.start('true', []);
  const dead = processName(child.pid ?? 0);
  await ended;
  writeFileSync(places.workerLock, dead);
  start('behind a dead one');
  while (!rounds().includes('behind a dead one')) await pause(20);
  expect(rounds()).toEqual(['behind a dead one']);
});
