import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { cloneBare, generateHistory } from '../helpers/repository.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'canonical', { commits: 200 });
  for (const [key, value] of [
    ['uploadpack.allowFilter', 'true'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
  ] as const) {
    await bed.sandbox.git(['config', key, value], { cwd: 'canonical' });
  }
  // Refs beside branches and tags, as forges have them.
  await bed.sandbox.git(['update-ref', 'refs/pull/1/head', 'topic-1'], { cwd: 'canonical' });
  await bed.sandbox.git(['notes', '--ref=review', 'add', '-m', 'good', 'main'], { cwd: 'canonical' });
  await cloneBare(bed.sandbox, 'canonical', 'mirrors/fresh');
  await bed.sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: 'mirrors/fresh' });
});

afterAll(() => bed.close());
beforeEach(() => {
  bed.packs.forget();
  bed.mirrors.requests.length = 0;
});

/** Clones on both sides, with the mirror configured for remote `origin`. */
async function cloneAlike(options: readonly string[]) {
  const pair = await bed.pair('canonical', `clone ${options.join(' ')}`);
  const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
  await pair.git(({ url }) => ['clone', '-c', config, ...options, url, 'repo']);
  await pair.expectAlike('repo');
  return pair;
}

test.each([
  ['--bare'],
  ['--mirror'],
  ['--single-branch'],
  ['--single-branch --branch topic-0'],
  ['--branch v1'],
  ['--no-tags'],
  ['--no-checkout'],
  ['--quiet'],
  ['--progress'],
  ['--separate-git-dir git-dir'],
  ['--template='],
])('clone %s: the bulk from the mirror', async (options) => {
  const sent = bed.sent(await cloneAlike(options.split(' ')));
  expect(sent.mirrors).toBeGreaterThan(0.9 * sent.plain);
  expect(sent.canonical).toBeLessThan(100);
});

test.each([
  ['--depth=1'],
  ['--depth=5'],
  ['--depth=3 --no-single-branch'],
  ['--depth=1 --branch v3'],
  ['--depth=1000'],
  ['--depth=4 --no-tags --bare'],
  ['--depth=2 --mirror'],
  ['--filter=blob:none'],
  ['--filter=blob:none --no-checkout'],
  ['--filter=blob:none --depth=2'],
  ['--filter=blob:none --sparse'],
])('clone %s: the very request goes to the mirror', async (options) => {
  const sent = bed.sent(await cloneAlike(options.split(' ')));
  expect(sent.plain).toBeGreaterThan(0);
  expect(sent.mirrors).toBeGreaterThan(0.9 * sent.plain);
  expect(sent.canonical).toBe(0);
});

test.each([
  ['--shallow-since=1500060000'],
  ['--shallow-exclude=v3'],
  ['--filter=blob:limit=1k --no-checkout'],
  ['--filter=tree:0 --bare'],
])('clone %s: the mirror is left alone', async (options) => {
  const sent = bed.sent(await cloneAlike(options.split(' ')));
  expect(sent.plain).toBeGreaterThan(0);
  expect(sent.mirrors).toBe(0);
  expect(bed.mirrors.requests).toEqual([]);
});

test('clone --origin: the mirrors are those of the remote by its name', async () => {
  const pair = await bed.pair('canonical', 'origin');
  const config = `remote.upstream.mirrorUrl=${bed.mirror('fresh')}`;
  await pair.git(({ url }) => ['clone', '-c', config, '--origin', 'upstream', url, 'repo']);
  await pair.expectAlike('repo');
  expect(bed.sent(pair).canonical).toBeLessThan(100);
});

test('clone --reference: what is borrowed is not fetched from anywhere', async () => {
  await bed.sandbox.git(['clone', '-q', '--bare', 'canonical', 'borrowed']);
  const pair = await bed.pair('canonical', 'reference');
  const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
  const reference = ['--reference', bed.sandbox.path('borrowed')];
  await pair.git(({ url }) => ['clone', '-c', config, ...reference, url, 'repo']);
  await pair.expectAlike('repo');
  expect(bed.sent(pair).mirrors).toBeLessThan(500);
});

test('clone without -q tells the account, with -q nothing at all', async () => {
  const pair = await bed.pair('canonical', 'told');
  const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
  const told = await pair.git(({ url }) => ['clone', '-c', config, url, 'told']);
  expect(told.gam.stderr).toMatch(/^gam: .* saved\)$/m);
  const quiet = await pair.git(({ url }) => ['clone', '-q', '-c', config, url, 'quiet']);
  expect(quiet.gam.stderr).toBe('');
});

test.each([
  ['a branch that is not there', ['--branch', 'nowhere']],
  ['a folder that is not empty', []],
])('clone fails as plain git does: %s', async (_, options) => {
  const pair = await bed.pair('canonical', `failing-${options.length}`);
  await pair.both(({ cwd }) => bed.sandbox.run('mkdir', ['-p', 'taken/file'], { cwd }));
  const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
  const target = options.length > 0 ? 'repo' : 'taken';
  await pair.git(({ url }) => ['clone', '-c', config, ...options, url, target], { expectStatus: 128 });
});

test('clone of a repository that is not there fails as plain git does, and names no mirror', async () => {
  const pair = await bed.pair('canonical', 'absent');
  const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
  await pair.git(({ url }) => ['clone', '-c', config, `${url}-absent`, 'repo'], { expectStatus: 128 });
  expect(bed.sent(pair).mirrors).toBe(0);
});

test('clone of an empty repository takes nothing of what a mirror has', async () => {
  await bed.sandbox.git(['init', '-q', '--bare', 'empty']);
  const pair = await bed.pair('empty', 'empty-clone');
  const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
  const { gam } = await pair.git(({ url }) => ['clone', '-c', config, url, 'repo']);
  await pair.expectAlike('repo');
  expect(gam.stderr).not.toContain('gam:');
});
