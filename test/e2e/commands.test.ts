import { existsSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { stateOf } from '../helpers/state.ts';

// gam clone and gam fetch are git clone and git fetch, through gam.

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'source', { commits: 80, tags: 4, branches: 2 });
  await cloneBare(bed.sandbox, 'source', 'mirrors/fresh');
});

afterAll(() => bed.close());

describe('gam clone', () => {
  test.each([
    ['nothing', []],
    ['--depth', ['--depth=1']],
    ['--bare', ['--bare']],
    ['-q', ['-q']],
    ['-b', ['-b', 'topic-1', '--single-branch']],
    ['--no-tags', ['--no-tags', '-n']],
    ['-o', ['-o', 'up']],
    ['--', ['-c', 'user.name=x', '--']],
  ])('with %s does what git clone does', async (name, options) => {
    const { sandbox } = bed;
    const pair = await bed.pair('source', `clone-${name}`);
    bed.packs.forget();
    const mirror = ['-c', `remote.origin.mirrorUrl=${bed.mirror('fresh')}`];
    const settings = ['-c', `remote.up.mirrorUrl=${bed.mirror('fresh')}`, ...mirror];
    const url = (side: typeof pair.gam) => side.place.url('repo');
    const plain = await sandbox.git(['clone', ...settings, ...options, url(pair.plain), 'to'], {
      cwd: pair.plain.cwd,
    });
    const gam = await sandbox.run('gam', ['clone', ...settings, ...options, url(pair.gam), 'to'], {
      cwd: pair.gam.cwd,
    });
    expect(gam.stdout).toBe(plain.stdout);
    if (name === '-q') expect(gam.stderr).toBe('');
    await pair.expectAlike('to');
    expect(bed.sent(pair).mirrors).toBeGreaterThan(bed.sent(pair).canonical);
  });

  test('fails as git does: an unknown option, no URL, no such place, a folder that is there', async () => {
    const { sandbox } = bed;
    const there = sandbox.path('source');
    for (const args of [['--nope'], [], ['--depth=x', there, 'to'], [there, 'mirrors']]) {
      const run = { expectStatus: null };
      const plain = await sandbox.git(['clone', ...args], run);
      const gam = await sandbox.run('gam', ['clone', ...args], run);
      expect(plain.status).not.toBe(0);
      expect(gam).toEqual(plain);
    }
    const nowhere = await sandbox.run('gam', ['clone', '/nowhere', 'to'], { expectStatus: 128 });
    expect(nowhere.stderr).toMatch(/^fatal: /m);
    expect(existsSync(sandbox.path('to'))).toBe(false);
  });

  test('a path stays right in the clone', async () => {
    const { sandbox } = bed;
    await sandbox.run('gam', ['clone', '-q', './source', 'by-path']);
    await sandbox.git(['fetch', '-q'], { cwd: 'by-path' });
    await expectSameRefs(sandbox, 'by-path', 'source');
  });
});

describe('gam fetch', () => {
  test('goes through gam where the remote does not, and changes no configuration', async () => {
    const { sandbox } = bed;
    const pair = await bed.pair('source', 'fetch');
    const url = pair.plain.place.url('repo');
    await sandbox.git(['clone', '-q', '-c', `remote.origin.mirrorUrl=${bed.mirror('new')}`, url, 'fetching']);
    const before = (await stateOf(sandbox, 'fetching')).config;
    await addCommits(sandbox, pair.plain.canonical, 40, { seed: 7 });
    await cloneBare(sandbox, pair.plain.canonical, 'mirrors/new');
    bed.packs.forget();
    const { stderr } = await sandbox.run('gam', ['fetch', '--prune'], { cwd: 'fetching' });
    expect(stderr).toMatch(/^gam: .* saved\)$/m);
    await expectNoChildren(sandbox);
    await expectClean(sandbox, 'fetching');
    await expectSameRefs(sandbox, 'fetching', pair.plain.canonical, asFetched);
    expect(bed.packs.sentFrom('mirrors/new')).toBeGreaterThan(1000);
    expect((await stateOf(sandbox, 'fetching')).config).toEqual(before);
  });

  test("ends with git's own words and status outside of a repository, and for an unknown remote", async () => {
    const { sandbox } = bed;
    const run = { expectStatus: null };
    for (const [cwd, args] of [
      ['tmp', []],
      ['source', ['nobody']],
      ['source', ['--nope']],
    ] as const) {
      const plain = await sandbox.git(['fetch', ...args], { ...run, cwd });
      const gam = await sandbox.run('gam', ['fetch', ...args], { ...run, cwd });
      expect(plain.status).not.toBe(0);
      expect(gam).toEqual(plain);
    }
  });
});
