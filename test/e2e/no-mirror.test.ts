import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { markUnlisted, mayHaveList } from '../../src/state/unlisted.ts';
import { type Bed, makeBed } from '../helpers/bed.ts';
import type { Pair } from '../helpers/pair.ts';
import { refsOf } from '../helpers/refs.ts';
import { addCommits, generateHistory, setOrigin } from '../helpers/repository.ts';

// Where no mirror comes in, and canonical was seen to have no list of any, everything over http goes as with plain git, and
// node is not even started: the only node that git could find is one that fails.

let bed: Bed;
let pair: Pair;
let env: Record<string, string>;
let number = 0;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'canonical', { commits: 60 });
  await sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: 'canonical' });
  await sandbox.git(['clone', '-q', 'canonical', 'template']);
  await addCommits(sandbox, 'canonical', 10);
  mkdirSync(sandbox.path('no-node'));
  writeFileSync(sandbox.path('no-node/node'), '#!/bin/sh\necho "node was started" >&2\nexit 99\n');
  chmodSync(sandbox.path('no-node/node'), 0o755);
  env = { PATH: `${sandbox.path('no-node')}:${sandbox.env['PATH']}` };
});
afterAll(() => bed.close());

beforeEach(async () => {
  number += 1;
  pair = await bed.pair('canonical', `pair-${number}`);
  await bed.adopt(pair, 'template', 'repo');
  const { place } = pair.gam;
  for (const name of ['repo', 'repo-nowhere']) markUnlisted(place.url(name), bed.sandbox.env);
});

describe('node is not started', () => {
  test.each([
    ['clone'],
    ['clone --bare'],
    ['clone --mirror'],
    ['clone --depth 3'],
    ['clone --filter=blob:none'],
  ])('for git %s', async (command) => {
    await pair.git(({ url }) => [...command.split(' '), url, 'made'], { env });
    await pair.expectAlike('made');
  });

  test.each([
    ['fetch'],
    ['fetch --prune --tags origin'],
    ['fetch origin main'],
    ['fetch --depth 2'],
    ['pull --ff-only'],
    ['ls-remote'],
    ['ls-remote --heads origin'],
    ['remote show origin'],
  ])('for git %s', async (command) => {
    await pair.git(() => command.split(' '), { cwd: 'repo', env });
    await pair.expectAlike('repo');
  });

  test('for a fetch that finds nothing new, behind packed refs and in a linked worktree', async () => {
    await pair.git(() => ['fetch', '-q'], { cwd: 'repo', env });
    await pair.both(async ({ cwd }) => {
      await bed.sandbox.git(['pack-refs', '--all'], { cwd: `${cwd}/repo` });
      await bed.sandbox.git(['worktree', 'add', '-q', '../linked', 'main~2'], { cwd: `${cwd}/repo` });
    });
    for (const cwd of ['repo', 'linked']) await pair.git(() => ['fetch'], { cwd, env });
    await pair.expectAlike('linked');
  });

  test('for a push, of a branch and of everything', async () => {
    await pair.both(({ cwd }) => bed.sandbox.git(['branch', 'topic', 'main~3'], { cwd: `${cwd}/repo` }));
    await pair.git(() => ['push', 'origin', 'topic', ':topic-0'], { cwd: 'repo', env });
    await pair.git(() => ['push', '--mirror'], { cwd: 'repo', env });
    const canonical = (side: 'plain' | 'gam') => refsOf(bed.sandbox, pair[side].canonical);
    expect(await canonical('gam')).toEqual(await canonical('plain'));
    await pair.expectAlike('repo');
  });

  test('for what fails', async () => {
    const options = { cwd: 'repo', env, expectStatus: 128 };
    await pair.git(() => ['fetch', 'origin', 'nowhere'], options);
    await pair.git(({ url }) => ['ls-remote', `${url}-nowhere`], options);
    await pair.both(({ cwd, url }) => setOrigin(bed.sandbox, `${cwd}/repo`, { url: `${url}-nowhere` }));
    await pair.git(() => ['fetch'], options);
  });

  test('for a remote that gam is enabled for', async () => {
    const { cwd } = pair.gam;
    const repo = { cwd: `${cwd}/repo` };
    await bed.sandbox.git(['config', 'remote.origin.url', pair.gam.url.replace('mirror::', '')], repo);
    await bed.sandbox.git(['config', 'remote.origin.vcs', 'mirror'], repo);
    const { stderr } = await bed.sandbox.git(['fetch'], { ...repo, env });
    expect(stderr).toContain('-> origin/main');
  });
});

test('node is started for a mirror, so that the tests above would notice', async () => {
  const args = ['-c', `remote.origin.mirrorUrl=${bed.mirror('none')}`, 'fetch'];
  const repo = { cwd: `${pair.gam.cwd}/repo` };
  const { stderr } = await bed.sandbox.git(args, { ...repo, env, expectStatus: 128 });
  expect(stderr).toContain('node was started');
});

test('the first fetch finds that canonical has no list, and no later one starts node', async () => {
  await bed.forgetMirrors();
  await pair.git(() => ['fetch', '-q'], { cwd: 'repo' });
  expect(mayHaveList(pair.gam.place.url('repo'), bed.sandbox.env)).toBe(false);
  await pair.git(() => ['fetch'], { cwd: 'repo', env });
  await pair.expectAlike('repo');
});

test.each([['clone'], ['clone --depth 3'], ['clone --filter=blob:none'], ['clone --mirror']])(
  'git %s is as ever while that is found out',
  async (command) => {
    await bed.forgetMirrors();
    await pair.git(({ url }) => [...command.split(' '), url, 'made']);
    await pair.expectAlike('made');
    expect(mayHaveList(pair.gam.place.url('repo'), bed.sandbox.env)).toBe(false);
  },
);
