import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClean, expectNoChildren } from '../../helpers/evidence.ts';
import { folderListing } from '../../helpers/folder-listing.ts';
import { initBare } from '../../helpers/repository.ts';
import { openSyncScenes, type SyncScenes } from '../../helpers/sync-scene.ts';

let scenes: SyncScenes;

beforeAll(async () => {
  scenes = await openSyncScenes();
});

afterAll(() => scenes.sandbox.close());

const short = (oid: string) => oid.slice(0, 12);

describe('gam sync', () => {
  test('pushes, goes forward and merges, and says so in a line; then both are at the same commit', async () => {
    const { sync, commit, tip, git, sandbox } = scenes;
    const { here, there, remote } = await scenes.scene('lines');
    expect((await sync(here)).stdout).toBe('main is up to date with origin\n');

    const first = await commit(here, 'a', 'a\n');
    expect((await sync(here)).stdout).toBe(`main pushed to origin, at ${short(first)}\n`);

    const before = await tip(there);
    // git makes a merge by these, in spite of --ff-only.
    await git(there, 'config', 'branch.main.mergeOptions', '--squash -s ours');
    const line = `main brought forward from origin, from ${short(before)} to ${short(first)}\n`;
    expect((await sync(there)).stdout).toBe(line);
    expect(readFileSync(sandbox.path(there, 'a'), 'utf8')).toBe('a\n');

    const second = await commit(here, 'b', 'b\n');
    const third = await commit(there, 'c', 'c\n');
    await sync(here);
    const json = JSON.parse((await sync(there, ['--json'])).stdout);
    const merge = await tip(there);
    expect(json).toEqual({
      kind: 'merged',
      remote: 'origin',
      branch: 'main',
      before: third,
      after: merge,
      kept: [],
    });
    expect(await git(there, 'log', '-1', '--format=%P')).toBe([second, third].sort().join(' '));
    expect(await sync(here, ['-q'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect([await tip(here), await tip(remote)]).toEqual([merge, merge]);
    for (const clone of [here, there]) {
      expect(await git(clone, 'status', '--porcelain', '--branch')).toBe('## main...origin/main');
      await expectClean(sandbox, clone);
    }
    await expectNoChildren(sandbox);
  });

  test('--dry-run changes nothing but objects, tells what would be done, and leaves the next one its work', async () => {
    const { sync, commit, git, sandbox } = scenes;
    const { here, there, remote } = await scenes.scene('rehearsal');
    const listing = (folder: string) =>
      Object.entries(folderListing(sandbox.path(folder)) ?? {}).filter(
        ([path]) => !/(^|\/)objects\b/.test(path),
      );
    mkdirSync(sandbox.path(here, '.git/gam'));
    const rehearse = async (words: string) => {
      const before = [listing(here), listing(remote)];
      expect((await sync(here, ['--dry-run'])).stdout).toContain(words);
      expect([listing(here), listing(remote)]).toEqual(before);
    };
    await commit(there, 'a', 'a\n');
    await sync(there);
    await rehearse('main would be brought forward from origin');
    await sync(here);
    // What a rehearsal has fetched is not fetched again, and the remote-tracking ref stayed behind.
    expect(await git(here, 'status', '--porcelain', '--branch')).toBe('## main...origin/main');
    await commit(here, 'b', 'b\n');
    await rehearse('main would be pushed to origin');
    await commit(there, 'c', 'c\n');
    await sync(there);
    await rehearse('main would be merged with origin');
    writeFileSync(sandbox.path(here, 'c'), 'mine\n');
    expect(await sync(here, ['--dry-run'])).toMatchObject({ status: 1 });
  });

  test('stops where files cannot be merged, and nothing is changed; --on-conflict settles it', async () => {
    const { sync, commit, tip, sandbox } = scenes;
    const { here, there, remote } = await scenes.scene('conflict');
    await commit(here, 'shared', 'here\n');
    const theirs = await commit(there, 'shared', 'there\n');
    await sync(there);
    const before = folderListing(sandbox.path(here, '.git/refs/heads'));
    const stopped = await sync(here);
    expect(stopped.status).toBe(1);
    expect(stopped.stderr).toContain('gam: cannot be merged: shared; nothing was changed\n');
    expect(stopped.stderr).toContain(`git merge ${short(theirs)}`);
    expect(folderListing(sandbox.path(here, '.git/refs/heads'))).toEqual(before);
    expect(await tip(remote)).toBe(theirs);
    const kept = await sync(here, ['--on-conflict', 'keep-both']);
    expect(kept.stderr).toMatch(
      /^gam: shared was changed on both sides: the other version is shared\.conflict-[0-9a-f]{8}\n$/,
    );
    const [, aside = ''] = /is (shared\.conflict-\S+)/.exec(kept.stderr) ?? [];
    const both = ['shared', aside].map((name) => readFileSync(sandbox.path(here, name), 'utf8')).sort();
    expect(both).toEqual(['here\n', 'there\n']);
  });

  test('the first commits, on either side', async () => {
    const { sync, commit, tip, git, sandbox } = scenes;
    const { here, remote } = await scenes.scene('births');
    await initBare(sandbox, 'births/empty.git');
    await git('births', 'init', '-q', 'fresh');
    await git('births/fresh', 'remote', 'add', 'origin', '../empty.git');
    expect((await sync('births/fresh')).stdout).toBe('main: no commit yet, here or at origin\n');
    // Behind a remote that has something: this one is not born yet.
    await git('births/fresh', 'remote', 'set-url', 'origin', '../remote.git');
    writeFileSync(sandbox.path('births/fresh/shared'), 'mine\n');
    expect((await sync('births/fresh')).stderr).toContain(
      'shared is not committed here, and would be overwritten; nothing was changed',
    );
    expect(readFileSync(sandbox.path('births/fresh/shared'), 'utf8')).toBe('mine\n');
    await git('births/fresh', 'clean', '-fq');
    expect((await sync('births/fresh')).status).toBe(0);
    expect(await tip('births/fresh')).toBe(await tip(remote));
    // And one that is in front of an empty one, or of a branch that is not there.
    await git(here, 'remote', 'set-url', 'origin', '../empty.git');
    await sync(here);
    expect(await tip('births/empty.git')).toBe(await tip(here));
    await git(here, 'checkout', '-q', '-b', 'topic');
    const topic = await commit(here, 't', 't\n');
    await sync(here);
    expect(await tip('births/empty.git', 'topic')).toBe(topic);
  });

  test('sha256', async () => {
    const { sync, tip, git, sandbox, commit } = scenes;
    await initBare(sandbox, 'sha256.git', 'sha256');
    for (const name of ['one256', 'two256']) {
      await git('.', 'init', '-q', '--object-format=sha256', name);
      await git(name, 'remote', 'add', 'origin', '../sha256.git');
    }
    await commit('one256', 'a', 'a\n');
    await sync('one256');
    await sync('two256');
    await commit('one256', 'b', 'b\n');
    await commit('two256', 'c', 'c\n');
    await sync('one256');
    expect((await sync('two256')).stdout).toContain('main merged with origin');
    await sync('one256');
    expect(await tip('one256')).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set([await tip('one256'), await tip('two256'), await tip('sha256.git')]).size).toBe(1);
  });
});

test('of two merges of the same commits that differ, the published one stays, with its files; nothing is merged again', async () => {
  const { sync, commit, tip, git, sandbox } = scenes;
  const { here, there, remote } = await scenes.scene('twins');
  const parents = [await commit(here, 'a', 'a\n'), await commit(there, 'b', 'b\n')].sort();
  await git(here, 'fetch', '-q', '../there', 'main');
  await git(there, 'fetch', '-q', '../here', 'main');
  const merge = async (clone: string) => {
    const env = { GIT_COMMITTER_EMAIL: 'merge@gam.invalid' };
    const message = 'Merge\n\nGam-Merge: 1\n';
    const args = ['commit-tree', ...parents.flatMap((parent) => ['-p', parent]), 'HEAD^{tree}'];
    const oid = (await sandbox.git(args, { cwd: clone, env, input: message })).stdout.trim();
    await git(clone, 'reset', '-q', '--hard', oid);
    return oid;
  };
  const [ours, theirs] = [await merge(here), await merge(there)];
  expect(ours).not.toBe(theirs);
  await git(there, 'push', '-q', 'origin', 'main');
  await git('twins', 'clone', '-q', '--bare', 'here', 'bare.git');
  await git('twins/bare.git', 'remote', 'set-url', 'origin', '../remote.git');
  writeFileSync(sandbox.path(here, 'b'), 'mine\n');
  expect((await sync(here)).stderr).toContain('b is not committed here, and would be overwritten');
  expect(await tip(here)).toBe(ours);
  await git(here, 'clean', '-fq');
  for (const clone of [here, 'twins/bare.git']) {
    expect((await sync(clone)).stdout).toContain('main brought forward from origin');
    expect([await tip(clone), await tip(remote)]).toEqual([theirs, theirs]);
  }
  expect(await git(here, 'status', '--porcelain')).toBe('');
  expect(await git(here, 'ls-files')).toBe('b\nshared');
});

test('a commit that is here without what it leads to, as a fetch that broke off leaves it, is fetched', async () => {
  // The branch was moved to it, and the repository was broken.
  const { sync, commit, tip, git, sandbox } = scenes;
  const { there, remote } = await scenes.scene('halves');
  await git('halves', 'clone', '-q', '--bare', 'remote.git', 'bare.git');
  const next = await commit(there, 'a', 'a\n');
  await sync(there);
  const text = (await sandbox.git(['cat-file', 'commit', next], { cwd: there })).stdout;
  const args = ['hash-object', '-t', 'commit', '-w', '--stdin'];
  await sandbox.git(args, { cwd: 'halves/bare.git', input: text });
  expect((await sync('halves/bare.git')).status).toBe(0);
  expect(await tip('halves/bare.git')).toBe(await tip(remote));
  await expectClean(sandbox, 'halves/bare.git');
});

describe('which branch, and where', () => {
  test('a mirror of the whole remote keeps what was committed in it, and a bare repository is moved', async () => {
    // Both went wrong: the first lost the commit, since its fetch refspec is +refs/*:refs/*; of the second, whose HEAD is at
    // main, git says that main is checked out.
    const { sync, commit, tip, git } = scenes;
    const { there, remote } = await scenes.scene('bare');
    await git('bare', 'clone', '-q', '--mirror', 'remote.git', 'mirror.git');
    await git('bare', 'clone', '-q', '--bare', 'remote.git', 'plain.git');
    for (const bare of ['bare/mirror.git', 'bare/plain.git']) {
      const local = await git(bare, 'commit-tree', '-p', 'main', '-m', bare, 'main^{tree}');
      await git(bare, 'update-ref', 'refs/heads/main', local);
      await sync(there);
      await commit(there, bare.replace('/', '-'), 'x\n');
      await sync(there);
      expect((await sync(bare)).stdout).toMatch(/^main merged with origin, .*, and pushed\n$/);
      await git(bare, 'merge-base', '--is-ancestor', local, 'main');
      expect(await tip(bare)).toBe(await tip(remote));
      await sync(there);
      await commit(there, 'shared', `${bare}\n`);
      await sync(there);
      expect((await sync(bare)).stdout).toContain('main brought forward');
      expect(await tip(bare)).toBe(await tip(remote));
    }
  });

  test('an upstream of another name, one that is not checked out, a linked work tree, another remote', async () => {
    const { sync, commit, tip, git, sandbox } = scenes;
    const { here, remote } = await scenes.scene('names');
    await git(here, 'config', 'branch.main.merge', 'refs/heads/trunk');
    const first = await commit(here, 'a', 'a\n');
    await sync(here);
    expect(await tip(remote, 'trunk')).toBe(first);
    expect(await tip(remote)).not.toBe(first);

    await git(here, 'branch', '--no-track', 'side', 'main');
    await git(here, 'push', '-q', 'origin', 'side');
    const moved = await git(remote, 'commit-tree', '-p', 'side', '-m', 'moved', 'side^{tree}');
    await git(remote, 'update-ref', 'refs/heads/side', moved);
    expect((await sync(here, ['--branch', 'side'])).status).toBe(0);
    expect(await tip(here, 'side')).toBe(moved);

    await git(here, 'worktree', 'add', '-q', '../linked', 'side');
    const again = await git(remote, 'commit-tree', '-p', 'side', '-m', 'again', 'side^{tree}');
    await git(remote, 'update-ref', 'refs/heads/side', again);
    const refused = await sync(here, ['--branch', 'side']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(
      `gam: refs/heads/side is checked out in ${sandbox.path('names/linked')}; nothing was changed\n`,
    );
    expect(await tip(here, 'side')).toBe(moved);
    await sync('names/linked');
    expect(await tip(here, 'side')).toBe(again);
    expect(await git('names/linked', 'status', '--porcelain')).toBe('');

    await initBare(sandbox, 'names/backup.git');
    await git(here, 'remote', 'add', 'backup', '../backup.git');
    await sync(here, ['--remote', 'backup']);
    expect(await tip('names/backup.git')).toBe(first);
  });

  test('what cannot be done is told in a line, with a status, and changes nothing', async () => {
    const { sync, git } = scenes;
    const { here } = await scenes.scene('refusals');
    await git(here, 'remote', 'add', 'nowhere', '../nowhere.git');
    await git(here, 'config', 'remote.empty.fetch', '+refs/heads/*:refs/x/*');
    const cases: [args: string[], status: number, words: string][] = [
      [['--remote', 'https://me:secret@h.example/x'], 1, "no remote 'https://h.example/x' with a URL"],
      [['--remote', 'empty'], 1, "no remote 'empty' with a URL"],
      [['--remote', 'nowhere'], 1, "nowhere cannot be reached: '../nowhere.git' does not appear to be"],
      [['--branch', 'typo'], 1, 'there is no branch typo, here or at origin'],
      [['--branch', 'main~1'], 2, 'main~1 is no name of a branch'],
      [['.git'], 1, "is a folder of git's own"],
      [['../gone'], 1, 'is no folder'],
      [['--on-conflict', 'win'], 2, 'on-conflict'],
    ];
    const before = await git(here, 'for-each-ref');
    for (const [args, status, words] of cases) {
      const said = await sync(here, args);
      expect(said).toMatchObject({ status, stdout: '' });
      expect(said.stderr).toContain(words);
      expect(said.stderr).not.toContain('secret');
    }
    await git(here, 'checkout', '-q', '--detach');
    expect(await sync(here)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('HEAD is at no branch'),
    });
    await git(here, 'remote', 'remove', 'origin');
    await git(here, 'remote', 'add', 'other', '../other.git');
    expect((await sync(here, ['--branch', 'main'])).stderr).toContain('several remotes (nowhere, other)');
    expect(before).toContain('refs/heads/main');
  });
});
