import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSyncScenes, type SyncScene, type SyncScenes } from '../../helpers/sync-scene.ts';

let scenes: SyncScenes;

beforeAll(async () => {
  scenes = await openSyncScenes();
});

afterAll(() => scenes.sandbox.close());

/** Both sides have something new: `new` and a change of `shared` at the remote, `mine` here. */
async function both(name: string): Promise<SyncScene> {
  const scene = await scenes.scene(name);
  await scenes.commit(scene.there, 'shared', '1\n2\n3\n4\n');
  await scenes.commit(scene.there, 'new', 'theirs\n');
  await scenes.git(scene.there, 'push', '-q', 'origin', 'main');
  await scenes.commit(scene.here, 'mine', 'mine\n');
  return scene;
}

/** Neither side has moved, and a word says why. */
async function expectUnmoved({ here, remote }: SyncScene, words: string, args: string[] = []): Promise<void> {
  const before = [await scenes.tip(here), await scenes.tip(remote)];
  const said = await scenes.sync(here, args);
  expect(said.stderr).toContain(words);
  expect(said).toMatchObject({ status: 1, stdout: '' });
  expect([await scenes.tip(here), await scenes.tip(remote)]).toEqual(before);
}

test('files that differ, are prepared, or are in the way', async () => {
  const scene = await both('files');
  const { here } = scene;
  const { sandbox, git, sync } = scenes;
  const write = (file: string, content: string) => writeFileSync(sandbox.path(here, file), content);
  write('shared', 'changed\n');
  await expectUnmoved(scene, 'has changes that are not committed; nothing was changed');
  await git(here, 'add', 'shared');
  await expectUnmoved(scene, 'has changes that are not committed; nothing was changed');
  await git(here, 'reset', '-q', '--hard');
  write('new', 'precious\n');
  await expectUnmoved(scene, 'new is not committed here, and would be overwritten; nothing was changed');
  // What is ignored is somebody's, too.
  mkdirSync(sandbox.path(here, '.git/info'));
  write('.git/info/exclude', 'new\n');
  await expectUnmoved(scene, 'new is not committed here, and would be overwritten; nothing was changed');
  expect(readFileSync(sandbox.path(here, 'new'), 'utf8')).toBe('precious\n');
  await git(here, 'clean', '-fqx');
  write('untracked', 'stays\n');
  expect((await sync(here)).stdout).toContain('main merged with origin');
  expect(readFileSync(sandbox.path(here, 'untracked'), 'utf8')).toBe('stays\n');
});

test('what somebody has begun, and locks', async () => {
  const scene = await both('begun');
  const { here } = scene;
  const { sandbox, git } = scenes;
  const lock = sandbox.path(here, '.git/index.lock');
  writeFileSync(lock, '');
  await expectUnmoved(scene, `where none runs any more, remove ${lock}`);
  await sandbox.run('rm', [lock]);
  await git(here, 'checkout', '-q', '-b', 'other', 'HEAD~1');
  await scenes.commit(here, 'mine', 'another\n');
  await git(here, 'checkout', '-q', 'main');
  await sandbox.git(['merge', '-q', 'other'], { cwd: here, expectStatus: 1 });
  await expectUnmoved(scene, 'a merge is in progress; nothing was changed');
  await git(here, 'merge', '--abort');
  await sandbox.git(['rebase', '-q', 'other'], { cwd: here, expectStatus: 1 });
  await expectUnmoved(scene, 'a rebase is in progress; nothing was changed');
  // HEAD is at no branch meanwhile: main was moved under the rebase.
  await expectUnmoved(scene, 'refs/heads/main is held by a rebase', ['--branch', 'main']);
  await git(here, 'rebase', '--abort');
  await git(here, 'bisect', 'start', '-q', 'main', 'main~1');
  await expectUnmoved(scene, 'a bisect', ['--branch', 'main']);
});

test('a submodule that is at another commit than the one noted is no change; one that is prepared is', async () => {
  // git leaves the submodule where it is when the noted commit moves: after one such sync, all later ones refused.
  const { git, commit, sync, tip } = scenes;
  const { here, there, remote } = await scenes.scene('submodule');
  await git('submodule', 'clone', '-q', 'remote.git', 'library');
  const allow = ['-c', 'protocol.file.allow=always'];
  await git(here, ...allow, 'submodule', '--quiet', 'add', '../library', 'library');
  await git(here, 'commit', '-q', '-m', 'library');
  await sync(here);
  await sync(there);
  await git(there, ...allow, 'submodule', '--quiet', 'update', '--init');
  const next = await commit(`${there}/library`, 'x', 'x\n');
  await git(there, 'update-index', '--cacheinfo', `160000,${next},library`);
  await git(there, 'commit', '-q', '-m', 'next');
  await sync(there);
  await sync(here);
  expect(await git(here, 'status', '--porcelain')).toBe(' M library');
  await commit(there, 'y', 'y\n');
  await sync(there);
  expect((await sync(here)).stdout).toContain('main brought forward');
  expect(await tip(here)).toBe(await tip(remote));
  await git(here, 'update-index', '--cacheinfo', `160000,${await tip(here)},library`);
  await commit(there, 'z', 'z\n');
  await sync(there);
  expect((await sync(here)).stderr).toContain('has changes that are not committed');
});
