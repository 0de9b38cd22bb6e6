import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import type { Pair } from '../helpers/pair.ts';
import { makeByRecipe } from '../helpers/recipe.ts';
import {
  addCommits,
  addManyRefs,
  cloneBare,
  copyEarlier,
  generateHistory,
  setOrigin,
} from '../helpers/repository.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'canonical', { commits: 200 });
  await cloneBare(bed.sandbox, 'canonical', 'mirrors/fresh');
  await copyEarlier(bed.sandbox, 'canonical', 'earlier.git', 'main~50');
  await bed.sandbox.git(['clone', '-q', 'earlier.git', 'earlier']);
});

afterAll(() => bed.close());
beforeEach(() => {
  bed.packs.forget();
  bed.mirrors.requests.length = 0;
});

async function withMirror(pair: Pair, repository: string): Promise<void> {
  await pair.both(({ cwd }) =>
    setOrigin(bed.sandbox, `${cwd}/${repository}`, { mirrorUrl: bed.mirror('fresh') }),
  );
}

test('submodules: clone --recurse-submodules, each level from its own mirror, then update', async () => {
  const { sandbox } = bed;
  await makeByRecipe(sandbox, 'submodules', 'made');
  for (const name of ['super', 'library', 'tool']) {
    cpSync(sandbox.path('made', name), sandbox.path('mirrors', name), { recursive: true });
  }
  const pair = await bed.pair('made/super', 'submodules');
  const bases = [pair.plain, pair.gam].flatMap(({ place }) => [
    '-c',
    `mirror.${place.url('')}.url=${bed.mirror('')}`,
  ]);
  await pair.both(async ({ place }) => {
    for (const name of ['library', 'tool']) {
      cpSync(sandbox.path('made', name), sandbox.path(place.folder, name), { recursive: true });
    }
  });
  await pair.both(({ canonical, place }) =>
    sandbox.run('mv', [sandbox.path(canonical), sandbox.path(place.folder, 'super')]),
  );
  const allow = ['-c', 'protocol.mirror.allow=always'];
  const clone = [...allow, ...bases, 'clone', '--quiet', '--recurse-submodules'];
  await pair.git(({ url }) => [...clone, url.replace(/repo$/, 'super'), 'repo']);
  for (const module of ['repo', 'repo/library', 'repo/library/tool']) await pair.expectAlike(module);
  const sent = bed.sent(pair);
  expect(sent.plain).toBeGreaterThan(0);
  expect(sent.mirrors).toBeGreaterThan(0.9 * sent.plain);
  expect(sent.canonical).toBeLessThan(200);

  await pair.git(() => [...allow, 'submodule', 'update', '--init', '--recursive', '--remote'], {
    cwd: 'repo',
  });
  await pair.git(() => [...allow, 'fetch', '--recurse-submodules'], { cwd: 'repo' });
  await pair.git(() => ['submodule', 'status', '--recursive'], { cwd: 'repo' });
});

test('a mirror clone of a repository with refs under refs/mirror/ of its own', async () => {
  // What would break: gam stages there, and sweeps what it staged, be it canonical's by then.
  const { sandbox } = bed;
  const site = `refs/mirror/127.0.0.1+${bed.mirrors.port}/heads/main`;
  await cloneBare(sandbox, 'canonical', 'nested');
  await sandbox.git(['update-ref', site, 'main~3'], { cwd: 'nested' });
  const pair = await bed.pair('nested', 'nested-mirror');
  await pair.git(({ url }) => ['clone', '-q', '--mirror', url, 'repo']);
  await withMirror(pair, 'repo');
  await pair.both(({ canonical }) =>
    sandbox.git(['update-ref', 'refs/heads/more', 'main~2'], { cwd: canonical }),
  );
  await pair.both(({ canonical }) => addCommits(sandbox, canonical, 5, { seed: 3 }));
  const { gam } = await pair.git(() => ['fetch'], { cwd: 'repo' });
  expect(gam.stderr).toMatch(
    /^gam: canonical has refs under refs\/mirror\/ of its own; all comes from there$/m,
  );
  await pair.both(async ({ cwd }) => {
    const { stdout } = await sandbox.git(['rev-parse', site, 'main~8'], { cwd: `${cwd}/repo` });
    const [mine, canonicals] = stdout.trim().split('\n');
    expect(mine).toBe(canonicals);
  });
});

test('submodules: without protocol.mirror.allow git refuses, and gam lets nothing through', async () => {
  const { sandbox } = bed;
  const pair = await bed.pair('made/super', 'submodules-refused');
  await pair.both(async ({ place }) => {
    cpSync(sandbox.path('made/library'), sandbox.path(place.folder, 'library'), { recursive: true });
  });
  const { gam } = pair;
  const args = ['clone', '-q', '--recurse-submodules', gam.url, 'repo'];
  const ended = await sandbox.git(args, { cwd: gam.cwd, expectStatus: null });
  expect(ended.status).not.toBe(0);
  expect(ended.stderr).toMatch(/transport 'mirror' not allowed/);
});

test('worktrees: a fetch in a linked one', async () => {
  const pair = await bed.pair('canonical', 'worktrees');
  await bed.adopt(pair, 'earlier', 'repo');
  await withMirror(pair, 'repo');
  await pair.git(() => ['worktree', 'add', '-b', 'side', '../side', 'v1'], { cwd: 'repo' });
  await pair.git(() => ['fetch'], { cwd: 'side' });
  await pair.git(() => ['merge', '--ff-only', 'origin/main'], { cwd: 'side' });
  await pair.expectAlike('side');
  await pair.expectAlike('repo');
  const sent = bed.sent(pair);
  expect(sent.mirrors).toBeGreaterThan(0.9 * sent.plain);
  expect(sent.canonical).toBeLessThan(100);
});

test('worktrees: of a bare repository, with configuration of their own', async () => {
  const pair = await bed.pair('canonical', 'bare-worktrees');
  const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
  await pair.git(({ url }) => ['clone', '-q', '-c', config, '--bare', url, 'repo']);
  await pair.git(() => ['config', 'extensions.worktreeConfig', 'true'], { cwd: 'repo' });
  await pair.git(() => ['worktree', 'add', '../side', 'topic-1'], { cwd: 'repo' });
  await pair.git(() => ['fetch', 'origin', 'main:fetched'], { cwd: 'side' });
  await pair.expectAlike('repo');
  expect(bed.sent(pair).canonical).toBeLessThan(100);
});

test('a repository of sha256 objects: clone and fetch; a mirror of sha1 objects is passed over', async (context) => {
  const { sandbox } = bed;
  const able = await sandbox.git(['init', '-q', '--object-format=sha256', 'able'], { expectStatus: null });
  if (able.status !== 0) context.skip('this git has no sha256 repositories');
  await generateHistory(sandbox, 'long', { commits: 150, objectFormat: 'sha256' });
  await cloneBare(sandbox, 'long', 'mirrors/long');
  await copyEarlier(sandbox, 'long', 'long-earlier.git', 'main~40');
  await sandbox.git(['clone', '-q', 'long-earlier.git', 'long-earlier']);
  bed.packs.forget();
  const pair = await bed.pair('long', 'sha256');
  const config = (name: string) => ['-c', `remote.origin.mirrorUrl=${bed.mirror(name)}`];
  await pair.git(({ url }) => ['clone', ...config('fresh'), ...config('long'), url, 'cloned']);
  await pair.expectAlike('cloned');
  await bed.adopt(pair, 'long-earlier', 'fetched');
  await pair.git(() => [...config('long'), 'fetch'], { cwd: 'fetched' });
  await pair.expectAlike('fetched');
  expect(bed.packs.sentFrom('mirrors/long')).toBeGreaterThan(0.9 * bed.sent(pair).plain);
  expect(bed.sent(pair).canonical).toBeLessThan(200);
});

test('LFS pointers stay as they are', async () => {
  await makeByRecipe(bed.sandbox, 'lfs-pointers', 'pointers');
  cpSync(bed.sandbox.path('pointers/lfs'), bed.sandbox.path('mirrors/lfs'), { recursive: true });
  const pair = await bed.pair('pointers/lfs', 'lfs');
  const config = `remote.origin.mirrorUrl=${bed.mirror('lfs')}`;
  await pair.git(({ url }) => ['clone', '-q', '-c', config, url, 'repo']);
  await pair.expectAlike('repo');
  await pair.git(() => ['cat-file', '-p', 'HEAD:3.bin'], { cwd: 'repo' });
  const pointer = readFileSync(bed.sandbox.path(pair.gam.cwd, 'repo/3.bin'), 'utf8');
  expect(pointer).toMatch(
    /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:0{63}3\nsize 3000\n$/,
  );
  expect(bed.sent(pair).canonical).toBeLessThan(100);
});

test('20,000 refs: clone, nothing new, one new commit', async () => {
  const { sandbox } = bed;
  await cloneBare(sandbox, 'canonical', 'many');
  await addManyRefs(sandbox, 'many', 20_000);
  cpSync(sandbox.path('many'), sandbox.path('mirrors/many'), { recursive: true });
  await sandbox.git(['branch', '-D', 'topic-2'], { cwd: 'mirrors/many' });
  const pair = await bed.pair('many', 'refs');
  const config = `remote.origin.mirrorUrl=${bed.mirror('many')}`;
  bed.packs.forget();
  await pair.git(({ url }) => ['clone', '-q', '-c', config, url, 'repo']);
  await pair.expectAlike('repo');
  const sent = bed.sent(pair);
  expect(sent.mirrors).toBeGreaterThan(0.9 * sent.plain);
  expect(sent.canonical).toBeLessThan(0.1 * sent.plain);

  bed.mirrors.requests.length = 0;
  await pair.git(() => ['fetch'], { cwd: 'repo' });
  expect(bed.mirrors.requests).toEqual([]);
  await pair.both(async ({ canonical }) => {
    const made = await sandbox.git(['commit-tree', '-p', 'main', '-m', 'new', 'main^{tree}'], {
      cwd: canonical,
    });
    await sandbox.git(['update-ref', 'refs/heads/main', made.stdout.trim()], { cwd: canonical });
  });
  await pair.git(() => ['fetch'], { cwd: 'repo' });
  await pair.expectAlike('repo');
}, 120_000);
