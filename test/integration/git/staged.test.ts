import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WantedRef } from '../../../src/git/fetch-pack.ts';
import { removeWritten } from '../../../src/git/staged.ts';
import { commit, type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

// The refs that one staging wrote go by compare-and-swap: what somebody else has put there since is not this run's.

let desk: Desk;
let top: string;
let written: WantedRef[];
let other: string;

beforeEach(async () => {
  desk = makeDesk();
  top = await makeRepository(desk, 'main');
  const oid = await commit(desk, top, 'one');
  other = await commit(desk, top, 'two');
  written = ['a', 'b', 'deep/c'].map((name) => ({ name: `refs/mirror/m.example/heads/${name}`, oid }));
  for (const { name } of written) await desk.git(['update-ref', name, oid], top);
});
afterEach(() => desk.remove());

const remove = () => removeWritten(written, { cwd: top, env: desk.env });

async function left(): Promise<string[]> {
  const listed = await desk.git(['for-each-ref', '--format=%(refname) %(objectname)', 'refs/mirror'], top);
  return listed.split('\n').filter(Boolean);
}

test('all of them go, and the folders that held them', async () => {
  await remove();
  expect(await left()).toEqual([]);
  expect(existsSync(join(top, '.git/refs/mirror'))).toBe(false);
});

test('one that was moved since stays, and the others go', async () => {
  const [moved] = written as [WantedRef];
  await desk.git(['update-ref', moved.name, other], top);
  await remove();
  expect(await left()).toEqual([`${moved.name} ${other}`]);
});

test('one that is gone keeps none of the others', async () => {
  await desk.git(['update-ref', '-d', (written[2] as WantedRef).name], top);
  await remove();
  expect(await left()).toEqual([]);
});
