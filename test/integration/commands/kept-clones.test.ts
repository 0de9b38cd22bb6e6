import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

// What `gam status`, `gam sweep --clones` and `gam doctor` do with what is kept of clones that broke off.

const HOUR = 3600;

let desk: Desk;
let dead: string;

beforeEach(async () => {
  desk = makeDesk();
  // A process that has ended: its number is free for the moment.
  dead = processName(Number((await desk.run('sh', ['-c', 'echo $$'])).stdout));
});
afterEach(() => desk.remove());

function folder(name: string): string {
  return join(desk.home, '.cache/gam/clones', name.repeat(32));
}

/** Keeps a clone of so many bytes as a helper under that `gam clone` would; without one it had no time for the record. */
function keep(name: string, owner: string | null, bytes: number, age = 0): void {
  mkdirSync(folder(name), { recursive: true });
  const pack = `pack-${name.repeat(40)}`;
  const record = { owner, format: 'sha1', refs: [], others: [], packs: [pack], bytes };
  const text = owner === null ? '' : JSON.stringify(record);
  writeFileSync(join(folder(name), 'kept.json'), text);
  writeFileSync(join(folder(name), `${pack}.pack`), Buffer.alloc(bytes - text.length));
  const at = Date.now() / 1000 - age;
  utimesSync(folder(name), at, at);
}

interface Told {
  clones: { folder: string; bytes: number; age: number; inUse: boolean }[];
}

async function told(args: readonly string[], cwd?: string): Promise<Told> {
  const { status, stdout, stderr } = await desk.gam([...args, '--json'], cwd);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Told;
}

test('gam status tells how many and how large, outside a repository and inside', async () => {
  // Where nothing is kept either, there is nothing to tell but that.
  expect(await desk.gam(['status'])).toMatchObject({ status: 1, stdout: '' });
  keep('a', dead, 3 * 1024, 5 * HOUR);
  keep('b', dead, 1024, 2 * HOUR);
  keep('c', processName(process.pid), 2048);
  const lines = [
    '1 kept by gam clones at work',
    '2 clones that broke off are kept (4.0 KiB, the last one 2 h old): gam clone of the same URL goes on from there,',
    '  gam sweep --clones drops them',
    '',
  ].join('\n');
  expect(await desk.gam(['status'])).toEqual({
    status: 0,
    stdout: lines,
    stderr: expect.stringMatching(/^gam: not a git repository.*\n$/),
  });
  const { clones, ...rest } = await told(['status']);
  expect(rest).toEqual({});
  expect(clones.map((one) => [one.folder, one.bytes, one.inUse])).toEqual([
    [folder('c'), 2048, true],
    [folder('b'), 1024, false],
    [folder('a'), 3072, false],
  ]);
  expect(clones.map(({ age }) => Math.floor(age / HOUR))).toEqual([0, 2, 5]);
  const repo = await makeRepository(desk, 'r');
  const nothing = 'nothing is unverified: every ref here comes from canonical\n';
  expect(await desk.gam(['status'], repo)).toEqual({ status: 0, stdout: nothing + lines, stderr: '' });
  expect(await told(['status'], repo)).toEqual({
    unverified: [],
    reachable: 0,
    leftovers: [],
    clones: clones.map((one) => ({ ...one, age: expect.any(Number) })),
  });
  expect(await desk.gam(['status', '-q'])).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('gam sweep --clones drops them anywhere, but for one that somebody works with', async () => {
  const repo = await makeRepository(desk, 'r');
  keep('a', dead, 2048);
  await desk.gam(['sweep'], repo);
  expect(existsSync(folder('a'))).toBe(true);
  keep('b', processName(process.pid), 1024, 9 * 24 * HOUR);
  expect(await desk.gam(['sweep', '--clones'])).toEqual({
    status: 0,
    stdout: 'dropped 1 kept clone (2.0 KiB); 1 in use stays\n',
    stderr: '',
  });
  expect([existsSync(folder('a')), existsSync(folder('b'))]).toEqual([false, true]);
  keep('a', dead, 1024, HOUR);
  expect((await told(['sweep', '--clones'], repo)).clones).toEqual([
    { folder: folder('a'), bytes: 1024, age: expect.any(Number), inUse: false },
  ]);
  expect((await desk.gam(['sweep', '--clones'], repo)).stdout).toBe(
    'nothing to sweep\nno kept clone to drop; 1 in use stays\n',
  );
});

test("what cannot be told for sure goes when it is old enough, and what is none of gam's stays", async () => {
  const elsewhere = '00000000-1-1';
  keep('a', elsewhere, 1024);
  keep('b', elsewhere, 1024, 49 * HOUR);
  keep('c', null, 1024);
  keep('d', null, 1024, 2 * HOUR);
  const mine = join(desk.home, '.cache/gam/clones/mine');
  mkdirSync(mine);
  expect((await desk.gam(['sweep', '--clones'])).stdout).toBe(
    'dropped 2 kept clones (2.0 KiB); 2 in use stay\n',
  );
  expect(['a', 'b', 'c', 'd'].map((name) => existsSync(folder(name)))).toEqual([true, false, true, false]);
  expect(existsSync(mine)).toBe(true);
});

test('gam doctor warns of one for which nobody has come back', async () => {
  keep('a', dead, 2048, 6 * 24 * HOUR);
  const { stdout } = await desk.gam(['doctor']);
  expect(stdout).not.toMatch(/broke off/);
  keep('b', dead, 1024, 8 * 24 * HOUR);
  expect((await desk.gam(['doctor'])).stdout).toMatch(
    /^warning: 1 clone\(s\) that broke off more than a week ago are kept \(1\.0 KiB\)\n {2}remedy: gam sweep --clones$/m,
  );
});
