import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { closedPort } from '../helpers/listening.ts';
import { learnMoments, momentsOf } from '../helpers/moments.ts';
import {
  addCommits,
  cloneBare,
  copyEarlier,
  generateHistory,
  initBare,
  setOrigin,
} from '../helpers/repository.ts';

// What a mirror holds beside, before or instead of canonical's history never shows in a clone.

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'canonical', { commits: 260 });
  await cloneBare(sandbox, 'canonical', 'mirrors/fresh');
  await copyEarlier(sandbox, 'canonical', 'mirrors/stale', 'main~40');
  await cloneBare(sandbox, 'canonical', 'mirrors/ahead');
  await addCommits(sandbox, 'mirrors/ahead', 30, { tags: 3 });
  await sandbox.git(['branch', 'only-here', 'main'], { cwd: 'mirrors/ahead' });
  await copyEarlier(sandbox, 'canonical', 'mirrors/diverged', 'main~20');
  await addCommits(sandbox, 'mirrors/diverged', 15);
  await generateHistory(sandbox, 'mirrors/foreign', { commits: 200, seed: 9 });
  await generateHistory(sandbox, 'mirrors/foreign-untagged', { commits: 200, seed: 9, tags: 0 });
  await initBare(sandbox, 'mirrors/empty');
  await sandbox.git([
    'clone',
    '-q',
    '--bare',
    '--depth=20',
    `file://${sandbox.path('canonical')}`,
    'mirrors/cut',
  ]);
  await copyEarlier(sandbox, 'canonical', 'earlier.git', 'main~60');
  await sandbox.git(['clone', '-q', 'earlier.git', 'earlier']);
});

afterAll(() => bed.close());
beforeEach(() => bed.packs.forget());

describe('mirrors that help', () => {
  test.each([
    ['fresh', 0.95],
    ['stale', 0.6],
    ['ahead', 0.9],
    ['diverged', 0.7],
  ])('%s: clone', async (state, share) => {
    const pair = await bed.pair('canonical', `clone-${state}`);
    const config = `remote.origin.mirrorUrl=${bed.mirror(state)}`;
    const { gam } = await pair.git(({ url }) => ['clone', '-c', config, url, 'repo']);
    await pair.expectAlike('repo');
    const sent = bed.sent(pair);
    expect(sent.mirrors, gam.stderr).toBeGreaterThan(share * sent.plain);
    expect(sent.canonical, gam.stderr).toBeLessThan((1.05 - share) * sent.plain);
    expect(gam.stderr).toMatch(/^gam: .* from 127\.0\.0\.1:\d+, .* from canonical \(\d+ % saved\)$/m);
  });

  test.each([
    ['fresh', 0.95],
    ['stale', 0.2],
    ['ahead', 0.9],
    ['diverged', 0.5],
  ])('%s: fetch', async (state, share) => {
    const pair = await bed.pair('canonical', `fetch-${state}`);
    await bed.adopt(pair, 'earlier', 'repo');
    const config = `remote.origin.mirrorUrl=${bed.mirror(state)}`;
    const { gam } = await pair.git(() => ['-c', config, 'fetch'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    const sent = bed.sent(pair);
    expect(sent.mirrors, gam.stderr).toBeGreaterThan(share * sent.plain);
    expect(sent.canonical, gam.stderr).toBeLessThan((1.1 - share) * sent.plain);
  });

  test('the one that has most serves, whatever stands before it', async () => {
    const pair = await bed.pair('canonical', 'row');
    const dead = `http://127.0.0.1:${await closedPort()}/repo`;
    const urls = [
      dead,
      bed.mirror('missing'),
      bed.mirror('foreign'),
      bed.mirror('stale'),
      bed.mirror('fresh'),
    ];
    const mirrors = urls.map((url) => `remote.origin.mirrorUrl=${url}`);
    const config = [...mirrors, 'gam.raceWidth=1', 'gam.raceDelay=100s'].flatMap((setting) => [
      '-c',
      setting,
    ]);
    const { gam } = await pair.git(({ url }) => ['clone', ...config, url, 'repo']);
    await pair.expectAlike('repo');
    expect(bed.packs.sentFrom('mirrors/fresh')).toBeGreaterThan(0.95 * bed.sent(pair).plain);
    expect(bed.packs.sentFrom('mirrors/stale')).toBe(0);
    expect(gam.stderr.match(/^gam: passing over /gm)).toHaveLength(3);
  });

  test('configured for every URL under a base, by mirror.<base>.url', async () => {
    const pair = await bed.pair('canonical', 'base');
    await pair.both(async ({ place }) => {
      const [key, value] = [`mirror.${place.url('repo')}.url`, bed.mirror('fresh')];
      await bed.sandbox.git(['config', '--global', key, value]);
    });
    await pair.git(({ url }) => ['clone', url, 'repo']);
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });
});

describe('mirrors that are of no use', () => {
  test.each(['foreign', 'foreign-untagged', 'empty', 'missing', 'cut'])(
    '%s: clone and fetch',
    async (state) => {
      const pair = await bed.pair('canonical', `useless-${state}`);
      const config = `remote.origin.mirrorUrl=${bed.mirror(state)}`;
      await pair.git(({ url }) => ['clone', '-c', config, url, 'cloned']);
      await pair.expectAlike('cloned');
      const { canonical, plain } = bed.sent(pair);
      expect(canonical).toBeGreaterThan(0.9 * plain);
      await bed.adopt(pair, 'earlier', 'fetched');
      await pair.git(() => ['-c', config, 'fetch'], { cwd: 'fetched' });
      await pair.expectAlike('fetched');
    },
  );
});

// git's request is held meanwhile, and each process or file would take its time.
test('a mirror that has nothing new is asked for its refs, and nothing is made for it', async () => {
  const { sandbox } = bed;
  const pair = await bed.pair('canonical', 'nothing-new');
  await sandbox.git(['clone', '-q', 'earlier.git', `${pair.gam.cwd}/repo`]);
  await copyEarlier(sandbox, 'canonical', 'mirrors/idle', 'main~60');
  setOrigin(sandbox, `${pair.gam.cwd}/repo`, { url: pair.gam.url, mirrorUrl: bed.mirror('idle') });
  const moments = await learnMoments(sandbox, async (env) => {
    const { stderr } = await sandbox.git(['fetch'], { cwd: `${pair.gam.cwd}/repo`, env });
    expect(stderr).toMatch(/^gam: passing over .*: has nothing new$/m);
  });
  expect(momentsOf(moments, 'helper', 'change')).toEqual([]);
  const started = momentsOf(moments, 'helper', 'spawn').map(({ name }) => name);
  const needed = /^git config --list|remote-http/;
  expect(started.filter((name) => !needed.test(name))).toEqual([]);
  expect(started.some((name) => name.includes(bed.mirror('idle')))).toBe(true);
});

describe('canonical has the last word', () => {
  test('a history that it took back is taken back, although a mirror still has it', async () => {
    const pair = await bed.pair('canonical', 'taken-back');
    const config = `remote.origin.mirrorUrl=${bed.mirror('ahead')}`;
    await pair.git(({ url }) => ['clone', '-c', config, url, 'repo']);
    await pair.both(({ canonical }) =>
      bed.sandbox.git(['update-ref', 'refs/heads/main', 'main~25'], { cwd: canonical }),
    );
    await pair.git(() => ['fetch'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    await pair.both(({ canonical }) => addCommits(bed.sandbox, canonical, 10, { seed: 5 }));
    await pair.git(() => ['fetch'], { cwd: 'repo' });
    await pair.expectAlike('repo');
  });

  test('branches that it deleted are pruned, although a mirror still has them', async () => {
    const pair = await bed.pair('canonical', 'pruned');
    const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
    await pair.git(({ url }) => ['clone', '-c', config, url, 'repo']);
    await pair.both(({ canonical }) => bed.sandbox.git(['branch', '-D', 'topic-1'], { cwd: canonical }));
    await pair.git(() => ['fetch', '--prune'], { cwd: 'repo' });
    await pair.expectAlike('repo');
  });

  test('a tag of the same name means what canonical says', async () => {
    const pair = await bed.pair('canonical', 'tag');
    await pair.both(({ canonical }) => bed.sandbox.git(['tag', '-f', 'v6', 'main~3'], { cwd: canonical }));
    const config = `remote.origin.mirrorUrl=${bed.mirror('fresh')}`;
    await pair.git(({ url }) => ['clone', '-c', config, url, 'repo']);
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(0.1 * bed.sent(pair).plain);
  });
});
