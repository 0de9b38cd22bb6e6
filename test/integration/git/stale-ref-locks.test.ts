import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { clearRefLocks } from '../../../src/git/stale-ref-locks.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// A git that gets SIGKILL leaves the lock files of refs behind, and nobody can change these refs any more. One that is at work must keep
// its own.

let sandbox: Sandbox;
let gitDir: string;
let tip: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  gitDir = await generateHistory(sandbox, 'r.git', { commits: 3, tags: 0, branches: 1, files: 1 });
  tip = (await sandbox.git(['rev-parse', 'main'], { cwd: gitDir })).stdout.trim();
});

afterAll(() => sandbox.close());

beforeEach(() => sandbox.git(['update-ref', 'refs/heads/cut', tip], { cwd: gitDir }));

/** A git that holds the lock of a ref, and waits. */
async function holdLock() {
  const commands = `start\ndelete refs/heads/cut ${tip}\nprepare\n`;
  const script = `{ printf '%s' "$1"; sleep 60; } | exec git update-ref --stdin`;
  const held = sandbox.start('sh', ['-c', script, 'sh', commands], { cwd: gitDir });
  await held.saw('stdout', /prepare: ok/);
  return held;
}

test.runIf(process.platform === 'linux')(
  'removes what a killed git has left, so that the ref can be changed again',
  async () => {
    const held = await holdLock();
    held.kill('SIGKILL');
    await held.ended.catch(() => undefined);
    expect(existsSync(`${gitDir}/refs/heads/cut.lock`)).toBe(true);
    const refused = await sandbox.git(['update-ref', '-d', 'refs/heads/cut'], {
      cwd: gitDir,
      expectStatus: null,
    });
    expect(refused.stderr).toMatch(/File exists/);
    const { removed, left } = await clearRefLocks(gitDir, 0);
    expect([removed.sort(), left]).toEqual([['packed-refs.lock', 'refs/heads/cut.lock'], []]);
    await sandbox.git(['update-ref', '-d', 'refs/heads/cut'], { cwd: gitDir });
  },
);

test.runIf(process.platform === 'linux')('leaves the lock of a git that is at work', async () => {
  const held = await holdLock();
  const { removed, left } = await clearRefLocks(gitDir, 0);
  expect([removed, left.sort()]).toEqual([[], ['packed-refs.lock', 'refs/heads/cut.lock']]);
  held.kill('SIGKILL');
  await held.ended.catch(() => undefined);
  await clearRefLocks(gitDir, 0);
});

test.runIf(process.platform === 'linux')(
  'removes it though others have begun to read in the repository, and to change it, meanwhile',
  async () => {
    const held = await holdLock();
    const cleared = clearRefLocks(gitDir, 0);
    held.kill('SIGKILL');
    await held.ended.catch(() => undefined);
    const other = sandbox.start('git', ['cat-file', '--batch'], { cwd: gitDir });
    expect((await cleared).removed.sort()).toEqual(['packed-refs.lock', 'refs/heads/cut.lock']);
    other.kill('SIGKILL');
    await other.ended.catch(() => undefined);
  },
);

test('leaves a young one to whoever has just made it', async () => {
  const lock = `${gitDir}/refs/heads/cut.lock`;
  writeFileSync(lock, '');
  expect(await clearRefLocks(gitDir, 60_000)).toEqual({ removed: [], left: ['refs/heads/cut.lock'] });
  const hourAgo = Date.now() / 1000 - 3600;
  utimesSync(lock, hourAgo, hourAgo);
  expect(await clearRefLocks(gitDir, 60_000)).toEqual({ removed: ['refs/heads/cut.lock'], left: [] });
});
