import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { takeOwnedLock } from '../../../src/git/owned-lock.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
const me = processName(process.pid);
const forEver = new AbortController().signal;
const now = AbortSignal.abort();

beforeAll(() => {
  sandbox = makeSandbox();
});

afterAll(() => sandbox.close());

test('one holds it at a time, and all get it', async () => {
  const file = sandbox.path('tmp/one');
  let holders = 0;
  let times = 0;
  const work = async () => {
    const lock = await takeOwnedLock(file, me, forEver);
    holders += 1;
    expect(holders).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    holders -= 1;
    times += 1;
    await lock?.release();
  };
  await Promise.all(Array.from({ length: 5 }, work));
  expect(times).toBe(5);
  expect(readdirSync(sandbox.path('tmp'))).toEqual([]);
});

test('that of a living one is not taken, that of a dead one is', async () => {
  const file = sandbox.path('tmp/other');
  const { child, ended } = sandbox.start('sleep', ['60']);
  const owner = processName(child.pid ?? 0);
  await (await takeOwnedLock(`${file}.x`, me, now))?.release();
  writeFileSync(file, owner);
  expect(await takeOwnedLock(file, me, now)).toBeNull();
  child.kill('SIGKILL');
  await ended;
  const lock = await takeOwnedLock(file, me, now);
  expect(lock?.inherited).toBe(true);
  await lock?.release();
});

test('that of another machine counts as long as its owner shows himself', async () => {
  const file = sandbox.path('tmp/far');
  writeFileSync(file, '00000000-1-1');
  expect(await takeOwnedLock(file, me, now)).toBeNull();
  const past = new Date(Date.now() - 60_000);
  utimesSync(file, past, past);
  const lock = await takeOwnedLock(file, me, now);
  expect(lock?.inherited).toBe(true);
  await lock?.release();
});
