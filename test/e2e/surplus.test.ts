import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectClean, expectNoChildren } from '../helpers/evidence.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// What broke: a mirror that had followed a branch before canonical rewrote it brought the commits of before,
// and git followed a tag on them that plain git never sees.

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = makeSandbox();
  await sandbox.git(['init', '-q', '-b', 'main', 'canonical']);
  await commit('A');
  for (const name of ['plain', 'gam']) await sandbox.git(['clone', '-q', 'canonical', name]);
});

afterEach(async () => {
  await expectNoChildren(sandbox);
  await sandbox.close();
});

async function commit(subject: string): Promise<void> {
  await sandbox.git(['commit', '-q', '--allow-empty', '-m', subject], { cwd: 'canonical' });
}

async function fetchBoth(): Promise<string> {
  await sandbox.git(['fetch', '-q'], { cwd: 'plain' });
  const config = { 'remote.origin.vcs': 'mirror', 'remote.origin.mirrorUrl': sandbox.path('mirror.git') };
  const settings = Object.entries(config).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return (await sandbox.git([...settings, 'fetch'], { cwd: 'gam' })).stderr;
}

async function refs(cwd: string): Promise<string> {
  return (await sandbox.git(['for-each-ref'], { cwd })).stdout;
}

test('a tag on commits that only the mirror brought is not followed, and they do not stay', async () => {
  await sandbox.git(['checkout', '-q', '-b', 'topic'], { cwd: 'canonical' });
  await commit('X');
  await sandbox.git(['tag', 'before'], { cwd: 'canonical' });
  await sandbox.git(['clone', '-q', '--mirror', 'canonical', 'mirror.git']);
  await sandbox.git(['reset', '-q', '--hard', 'main'], { cwd: 'canonical' });
  await commit('Y');
  expect(await fetchBoth()).toMatch(/^gam: .* from canonical/m);
  expect(await refs('gam')).toBe(await refs('plain'));
  const before = await sandbox.git(['rev-parse', 'before'], { cwd: 'canonical' });
  const kept = await sandbox.git(['cat-file', '-e', before.stdout.trim()], {
    cwd: 'gam',
    expectStatus: null,
  });
  expect(kept.status).not.toBe(0);
  await expectClean(sandbox, 'gam');
});

test('a tag in what a mirror that is merely behind brought is followed', async () => {
  await commit('B');
  await sandbox.git(['tag', 'release'], { cwd: 'canonical' });
  await commit('C');
  await sandbox.git(['clone', '-q', '--mirror', 'canonical', 'mirror.git']);
  await commit('D');
  expect(await fetchBoth()).toMatch(/^gam: .* from canonical/m);
  expect(await refs('gam')).toBe(await refs('plain'));
  expect(await refs('gam')).toContain('refs/tags/release');
  await expectClean(sandbox, 'gam');
});

/** Clones on both sides with other options, and compares what is there, down to the objects. */
async function cloneBoth(...options: string[]): Promise<void> {
  const config = `remote.origin.mirrorUrl=${sandbox.path('mirror.git')}`;
  const url = `file://${sandbox.path('canonical')}`;
  await sandbox.git(['clone', '-q', ...options, url, 'cloned-plain']);
  await sandbox.git(['clone', '-q', '-c', config, ...options, `mirror::${url}`, 'cloned-gam']);
  expect(await refs('cloned-gam')).toBe(await refs('cloned-plain'));
  const objects = async (cwd: string) =>
    (await sandbox.git(['cat-file', '--batch-all-objects', '--batch-check'], { cwd })).stdout;
  expect(await objects('cloned-gam')).toBe(await objects('cloned-plain'));
  await expectClean(sandbox, 'cloned-gam');
}

test('a small clone from a mirror that is ahead holds no more than a plain one, and follows no other tags', async () => {
  // What broke: git was given the mirror's whole pack, after the surplus had been taken out of the repository.
  await commit('B');
  await sandbox.git(['clone', '-q', '--mirror', 'canonical', 'mirror.git']);
  await sandbox.git(['checkout', '-q', '-b', 'later'], { cwd: 'canonical' });
  await commit('C');
  await sandbox.git(['push', '-q', '../mirror.git', 'later:main'], { cwd: 'canonical' });
  await sandbox.git(['tag', 'after'], { cwd: 'canonical' });
  await sandbox.git(['checkout', '-q', 'main'], { cwd: 'canonical' });
  await sandbox.git(['branch', '-q', '-D', 'later'], { cwd: 'canonical' });
  await cloneBoth('--single-branch');
});

test('an annotated tag that the mirror does not have yet comes along with what it points to', async () => {
  // What broke: nothing was left to ask canonical for, which would have sent the tag with the commit.
  await commit('B');
  await sandbox.git(['clone', '-q', '--mirror', 'canonical', 'mirror.git']);
  await sandbox.git(['tag', '-a', '-m', 'release', 'v1'], { cwd: 'canonical' });
  await cloneBoth('--single-branch');
  expect(await refs('cloned-gam')).toContain('refs/tags/v1');
});
