import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import type { Pair } from '../helpers/pair.ts';
import { cloneBare, copyEarlier, generateHistory, setOrigin } from '../helpers/repository.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'canonical', { commits: 200 });
  for (const [key, value] of [
    ['uploadpack.allowFilter', 'true'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
  ] as const) {
    await sandbox.git(['config', key, value], { cwd: 'canonical' });
  }
  await cloneBare(sandbox, 'canonical', 'mirrors/fresh');
  await copyEarlier(sandbox, 'canonical', 'earlier.git', 'main~60');
  await sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: 'earlier.git' });
  await sandbox.git(['clone', '-q', 'earlier.git', 'earlier']);
  const url = `file://${sandbox.path('earlier.git')}`;
  await sandbox.git(['clone', '-q', '--depth=10', url, 'earlier-shallow']);
  await sandbox.git(['clone', '-q', '--filter=blob:none', url, 'earlier-partial']);
  await sandbox.git(['clone', '-q', '--mirror', 'earlier.git', 'earlier-mirror']);
});

afterAll(() => bed.close());
beforeEach(() => bed.packs.forget());

/** A pair whose sides have the same clone of an earlier state, and a mirror. */
async function behind(clone: string, name: string): Promise<Pair> {
  const pair = await bed.pair('canonical', name);
  await bed.adopt(pair, clone, 'repo');
  await pair.both(({ cwd }) => setOrigin(bed.sandbox, `${cwd}/repo`, { mirrorUrl: bed.mirror('fresh') }));
  bed.packs.forget();
  bed.mirrors.requests.length = 0;
  return pair;
}

describe('the bulk from the mirror', () => {
  test.each([
    ['fetch'],
    ['fetch --tags'],
    ['fetch --no-tags'],
    ['fetch --all --prune'],
    ['fetch origin'],
    ['fetch origin main'],
    ['fetch origin +refs/heads/*:refs/elsewhere/*'],
    ['fetch origin tag v6'],
    ['fetch --dry-run'],
    ['fetch -v'],
    ['-c fetch.negotiationAlgorithm=skipping fetch'],
    ['-c transfer.fsckObjects=true fetch'],
    ['-c fetch.unpackLimit=1 fetch'],
    ['-c fetch.writeCommitGraph=true fetch'],
    ['-c fetch.parallel=2 fetch --multiple origin'],
    ['remote update'],
    ['pull --ff-only'],
    ['pull --rebase'],
  ])('%s', async (command) => {
    const pair = await behind('earlier', command);
    const { gam } = await pair.git(() => command.split(' '), { cwd: 'repo' });
    await pair.expectAlike('repo');
    const sent = bed.sent(pair);
    expect(sent.mirrors, gam.stderr).toBeGreaterThan(0.9 * sent.plain);
    expect(sent.canonical, gam.stderr).toBeLessThan(100);
  });

  test('fetch <url>, for which no remote is configured', async () => {
    const pair = await behind('earlier', 'by url');
    const [gam] = [pair.gam.place.url('')];
    const config = `mirror.${gam}.url=${bed.mirror('')}`;
    await bed.sandbox.git([
      'clone',
      '-q',
      '--bare',
      bed.sandbox.path('canonical'),
      bed.sandbox.path('mirrors/repo'),
    ]);
    await pair.git(({ url }) => ['-c', config, 'fetch', url, 'main'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });

  test('remote update --prune in a repository that mirrors canonical', async () => {
    const pair = await behind('earlier-mirror', 'mirror update');
    await pair.git(() => ['remote', 'update', '--prune'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });

  test('one fetch after the other', async () => {
    const pair = await behind('earlier', 'twice');
    await pair.both(({ canonical }) =>
      bed.sandbox.git(['update-ref', 'refs/heads/main', 'main~30'], { cwd: canonical }),
    );
    await pair.git(() => ['fetch'], { cwd: 'repo' });
    const { stdout } = await bed.sandbox.git(['rev-parse', 'main'], { cwd: 'canonical' });
    await pair.both(({ canonical }) =>
      bed.sandbox.git(['update-ref', 'refs/heads/main', stdout.trim()], { cwd: canonical }),
    );
    await pair.git(() => ['fetch'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(200);
  });
});

describe('the mirror is left alone', () => {
  test.each([
    ['earlier', 'fetch --depth=3'],
    ['earlier', 'fetch --shallow-since=1500060000'],
    ['earlier', 'ls-remote'],
    ['earlier', 'ls-remote --symref origin HEAD'],
    ['earlier', 'remote show origin'],
    ['earlier', 'remote prune origin'],
    ['earlier-shallow', 'fetch'],
    // With tags, a second fetch would follow, of a repository that is whole by then.
    ['earlier-shallow', 'fetch --unshallow --no-tags'],
    ['earlier-shallow', 'fetch --deepen=5'],
    ['earlier-partial', 'fetch'],
    ['earlier-partial', 'fetch --no-tags origin main'],
  ])('%s: %s', async (clone, command) => {
    const pair = await behind(clone, `${clone} ${command}`);
    await pair.git(() => command.split(' '), { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.mirrors.requests).toEqual([]);
  });

  test('a fetch that finds nothing new', async () => {
    const pair = await behind('earlier', 'nothing new');
    await pair.git(() => ['pull'], { cwd: 'repo' });
    bed.mirrors.requests.length = 0;
    await pair.git(() => ['fetch'], { cwd: 'repo' });
    await pair.git(() => ['pull'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.mirrors.requests).toEqual([]);
  });

  test('GAM_DISABLE=1', async () => {
    const pair = await behind('earlier', 'disabled');
    await pair.git(() => ['fetch'], { cwd: 'repo', env: { GAM_DISABLE: '1' } });
    await pair.expectAlike('repo');
    expect(bed.mirrors.requests).toEqual([]);
  });
});

describe('fails as plain git does', () => {
  test.each([
    ['fetch origin nowhere'],
    ['fetch origin refs/heads/main:refs/heads/main'],
    ['ls-remote nowhere'],
  ])('%s', async (command) => {
    const pair = await behind('earlier', `failing ${command}`);
    await pair.both(({ cwd }) =>
      bed.sandbox.git(['commit', '-q', '--allow-empty', '-m', 'mine'], { cwd: `${cwd}/repo` }),
    );
    const { plain } = await pair.git(() => command.split(' '), { cwd: 'repo', expectStatus: null });
    expect(plain.status).not.toBe(0);
    await pair.expectAlike('repo');
  });

  test.each(['path', 'ssh', 'git'] as const)(
    'archive --remote by %s answers as it does plainly',
    async (scheme) => {
      const pair = await bed.pair('canonical', `archive-${scheme}`, scheme);
      const args = ['archive', '--format=tar', '-o', 'archive.tar'];
      await pair.git(({ url }) => [...args, `--remote=${url}`, 'main']);
      const sums = await Promise.all(
        [pair.plain, pair.gam].map(({ cwd }) => bed.sandbox.run('cksum', ['archive.tar'], { cwd })),
      );
      expect(sums[1]?.stdout).toBe(sums[0]?.stdout);
    },
  );
});
