import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { copyRepository } from '../../helpers/scene.ts';
import { openSyncScenes, type SyncScenes } from '../../helpers/sync-scene.ts';

let scenes: SyncScenes;

beforeAll(async () => {
  scenes = await openSyncScenes();
});

afterAll(() => scenes.sandbox.close());

/** Has the clone's next push, and no later one, preceded by something. */
function beforePush(clone: string, lines: readonly string[]): void {
  const hook = scenes.sandbox.path(clone, '.git/hooks/pre-push');
  scenes.hook(clone, 'pre-push', [`rm "${hook}"`, 'unset GIT_DIR', ...lines]);
}

test('a remote that moves between fetch and push is merged with in the next turn; --once leaves it', async () => {
  const { sync, commit, tip, git } = scenes;
  const { here, there, remote } = await scenes.scene('race');
  const mine = await commit(here, 'mine', 'mine\n');
  const theirs = await commit(there, 'theirs', 'theirs\n');
  beforePush(here, ['git -C ../there push -q origin main']);
  const once = await sync(here, ['--once']);
  expect(once).toMatchObject({ status: 1, stdout: '' });
  expect(once.stderr).toBe('gam: origin has moved meanwhile\ngam: run it again\n');
  expect([await tip(remote), await tip(here)]).toEqual([theirs, mine]);

  const further = await commit(there, 'further', 'further\n');
  beforePush(here, ['git -C ../there push -q origin main']);
  expect((await sync(here)).stdout).toContain('main merged with origin');
  expect(await tip(here)).toBe(await tip(remote));
  // The merge that came too late is nobody's.
  expect(await git(here, 'log', '-1', '--format=%P')).toBe([mine, further].sort().join(' '));
});

test('who commits, or changes to another branch, while it is pushed finds nothing of his moved', async () => {
  const { sync, commit, tip, git, sandbox } = scenes;
  const { here, there, remote } = await scenes.scene('meanwhile');
  await git(here, 'branch', 'other');
  const other = await tip(here);
  await commit(there, 'theirs', 'theirs\n');
  await sync(there);
  await commit(here, 'mine', 'mine\n');
  beforePush(here, ['echo late >late', 'git add late', 'git commit -q -m late']);
  expect((await sync(here)).status).toBe(0);
  expect(await git(here, 'ls-tree', '--name-only', 'HEAD')).toBe('late\nmine\nshared\ntheirs');
  expect(await tip(here)).toBe(await tip(remote));

  await sync(there);
  await commit(there, 'next', 'next\n');
  await sync(there);
  await commit(here, 'again', 'again\n');
  beforePush(here, ['git checkout -q other']);
  expect((await sync(here)).status).toBe(0);
  // It went forward to what main had become.
  expect(await tip(here, 'other')).toBe(other);
  expect(await git(here, 'status', '--porcelain', '--branch')).toBe('## other');
  expect(await tip(here, 'main')).toBe(await tip(remote));
  expect(readFileSync(sandbox.path(here, 'shared'), 'utf8')).toBe('1\n2\n3\n');
});

test('a hook that declines is told with its words, and is asked once; a lock at the remote is waited for', async () => {
  const { sync, commit, tip, hook, sandbox } = scenes;
  const { here, remote } = await scenes.scene('refused');
  const before = await tip(remote);
  const mine = await commit(here, 'mine', 'mine\n');
  hook(remote, 'pre-receive', ['echo asked >>asked', 'echo no pushes today >&2', 'exit 1']);
  const declined = await sync(here);
  expect(declined).toMatchObject({ status: 1, stdout: '' });
  expect(declined.stderr).toContain(
    'gam: origin did not take it: pre-receive hook declined: no pushes today\ngam: nothing was changed here',
  );
  expect(readFileSync(sandbox.path(remote, 'asked'), 'utf8')).toBe('asked\n');
  expect([await tip(remote), await tip(here)]).toEqual([before, mine]);

  writeFileSync(sandbox.path(remote, 'refs/heads/main.lock'), '');
  hook(remote, 'pre-receive', ['exit 0']);
  expect((await sync(here, ['--once'])).stderr).toContain("cannot lock ref 'refs/heads/main'");
  // Its owner is ready when the second turn comes.
  hook(remote, 'pre-receive', ['if [ -e waited ]; then rm -f refs/heads/main.lock; fi', ': >waited']);
  expect((await sync(here)).stdout).toContain('main pushed to origin');
  expect(await tip(remote)).toBe(mine);

  hook(here, 'pre-push', ['echo not on a Friday >&2', 'exit 1']);
  await commit(here, 'more', 'more\n');
  expect((await sync(here)).stderr).toContain('origin could not be pushed to: not on a Friday\n');
});

test('six at once, with a commit each: the same head everywhere, at most five merges, nobody fails', async () => {
  const { sync, commit, tip, git, sandbox } = scenes;
  const { here, remote } = await scenes.scene('six');
  const clones = ['1', '2', '3', '4', '5', '6'].map((name) => `six/clone${name}`);
  for (const clone of clones) {
    await copyRepository(sandbox, here, clone);
    // All of the same file, so that they conflict.
    await commit(clone, 'shared', `${clone}\n`);
  }
  const said = await Promise.all(clones.map((clone) => sync(clone, ['--on-conflict', 'keep-both'])));
  expect(said.map(({ status }) => status)).toEqual(clones.map(() => 0));
  for (const clone of clones) expect((await sync(clone)).status).toBe(0);
  const heads = new Set(await Promise.all([...clones, remote].map((clone) => tip(clone))));
  expect(heads.size).toBe(1);
  expect(Number(await git(remote, 'rev-list', '--count', '--merges', 'main'))).toBeLessThanOrEqual(5);
  const files = (await git(remote, 'ls-tree', '--name-only', 'main')).split('\n');
  const texts = await Promise.all(files.map((file) => git(remote, 'show', `main:${file}`)));
  expect(texts.sort()).toEqual(clones);
});

test('another one at work: --once leaves it to the next time; one that was killed is in nobody’s way', async () => {
  const { sync, sandbox } = scenes;
  const { here } = await scenes.scene('lock');
  await sync(here);
  const { child, ended } = sandbox.start('sleep', ['60']);
  const lock = sandbox.path(here, '.git/gam/sync.lock');
  writeFileSync(lock, processName(child.pid ?? 0));
  expect(await sync(here, ['--once'])).toMatchObject({
    status: 0,
    stdout: '',
    stderr: 'gam: another gam sync is at work here; left to it\n',
  });
  expect(await sync(here, ['--once', '-q'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(JSON.parse((await sync(here, ['--once', '--json'])).stdout)).toMatchObject({
    kind: 'busy',
    after: null,
  });
  // Without it, it waits, and goes on where the other one has ended.
  const waiting = sync(here);
  child.kill('SIGKILL');
  await ended;
  expect((await waiting).stdout).toBe('main is up to date with origin\n');
  await expectNoChildren(sandbox);
});
