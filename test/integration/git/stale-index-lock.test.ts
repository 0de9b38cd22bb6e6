import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clearIndexLock } from '../../../src/git/stale-index-lock.ts';
import { findWorkTree, type WorkTree } from '../../../src/git/work-tree.ts';
import type { Running } from '../../helpers/child.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let here: WorkTree;
let lock: string;
beforeAll(async () => {
  sandbox = makeSandbox();
  await sandbox.git(['init', '-q', 'here']);
  mkdirSync(sandbox.path('here/within'));
  here = await findWorkTree({ cwd: sandbox.path('here'), env: sandbox.env });
  lock = sandbox.path('here/.git/index.lock');
});
afterAll(() => sandbox.close());
beforeEach(() => leave(60));

/** Leaves a lock that was written so many seconds ago. */
function leave(seconds: number, file = lock): void {
  writeFileSync(file, '');
  const time = Date.now() / 1000 - seconds;
  utimesSync(file, time, time);
}

/** Runs work beside a git that is at work in a folder, until that is over. */
async function beside(cwd: string, args: readonly string[], work: () => void): Promise<void> {
  // An alias waits without an end, as an editor does; git itself stays beside it.
  const alias = 'alias.wait=!f() { echo waiting; sleep 600; }; f';
  const git: Running = sandbox.start('git', ['-c', alias, ...args, 'wait'], { cwd, timeout: 600_000 });
  try {
    await git.saw('stdout', /waiting/);
    work();
  } finally {
    git.kill('SIGKILL');
    await git.ended;
  }
}

const clear = () => ({ removed: clearIndexLock(here), left: existsSync(lock) });
const REMOVED = { removed: true, left: false };
const KEPT = { removed: false, left: true };

describe.skipIf(process.platform !== 'linux')('clearIndexLock', () => {
  test('removes what a killed git has left', () => expect(clear()).toEqual(REMOVED));

  test('keeps one that is young: whoever made it may be between two steps', () => {
    leave(2);
    expect(clear()).toEqual(KEPT);
  });

  test('removes one of the future: the clock was set back since', () => {
    leave(-3600);
    expect(clear()).toEqual(REMOVED);
  });

  test('says nothing of none', () => {
    clear();
    expect(clear()).toEqual({ removed: false, left: false });
  });

  test.each([
    ['at the top', 'here', []],
    ['in a folder of it', 'here/within', []],
    ['in the folder of git itself', 'here/.git', []],
    ['from elsewhere, with -C', '.', ['-C', 'here']],
  ])('keeps one while git is at work %s, and removes it behind', async (_, cwd, args) => {
    await beside(cwd, args, () => expect(clear()).toEqual(KEPT));
    expect(clear()).toEqual(REMOVED);
  });

  test('does not wait for a git at work elsewhere, also where that begins with the same name', async () => {
    await sandbox.git(['init', '-q', 'here-too']);
    await beside('here-too', [], () => expect(clear()).toEqual(REMOVED));
  });

  test('keeps one while git is at work in a linked work tree’s own files, and touches no other one’s', async () => {
    clear();
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'one'], { cwd: 'here' });
    await sandbox.git(['worktree', 'add', '-q', '../linked'], { cwd: 'here' });
    const linked = await findWorkTree({ cwd: sandbox.path('linked'), env: sandbox.env });
    const own = `${linked.gitDir}/index.lock`;
    leave(60, own);
    leave(60);
    await beside('linked', [], () => expect(clearIndexLock(linked)).toBe(false));
    expect(clearIndexLock(linked)).toBe(true);
    expect([existsSync(own), existsSync(lock)]).toEqual([false, true]);
  });
});
