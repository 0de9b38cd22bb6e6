import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { makePair, type Pair } from '../helpers/pair.ts';
import { openPlace, type Scheme } from '../helpers/place.ts';
import { makeByRecipe } from '../helpers/recipe.ts';
import { addCommits, cloneBare, copyEarlier, generateHistory, setOrigin } from '../helpers/repository.ts';

// Shallow, partial and lazy fetches: git's very request goes to a mirror.

const SCHEMES: readonly Scheme[] = ['http', 'ssh', 'git', 'file'];

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  for (const format of ['sha1', 'sha256'] as const) {
    const name = format === 'sha1' ? 'canonical' : 'canonical-256';
    await generateHistory(sandbox, name, { commits: 120, objectFormat: format });
    await serves(name, 'uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant');
    await cloneBare(sandbox, name, `mirrors/${name}`);
    await serves(`mirrors/${name}`, 'uploadpack.allowFilter');
  }
  await copyEarlier(sandbox, 'canonical', 'mirrors/behind', 'main~20');
  await serves('mirrors/behind', 'uploadpack.allowFilter');
  await cloneBare(sandbox, 'canonical', 'mirrors/unfiltered');
});

afterAll(() => bed.close());
beforeEach(() => {
  bed.packs.forget();
  bed.mirrors.requests.length = 0;
});

async function serves(repository: string, ...settings: readonly string[]): Promise<void> {
  for (const key of settings) await bed.sandbox.git(['config', key, 'true'], { cwd: repository });
}

function expectFromMirror(pair: Pair): void {
  const sent = bed.sent(pair);
  expect(sent.plain).toBeGreaterThan(0);
  expect(sent.mirrors).toBeGreaterThan(0.9 * sent.plain);
  expect(sent.canonical).toBe(0);
}

/** A pair with an empty repository each, as actions/checkout makes it, and a mirror. */
async function initialised(name: string, mirror: string, scheme: Scheme = 'http'): Promise<Pair> {
  const pair = await bed.pair('canonical', name, scheme);
  await pair.both(async ({ cwd, url }) => {
    await bed.sandbox.git(['init', '-q', 'repo'], { cwd });
    await bed.sandbox.git(['remote', 'add', 'origin', url], { cwd: `${cwd}/repo` });
    setOrigin(bed.sandbox, `${cwd}/repo`, { mirrorUrl: mirror });
  });
  return pair;
}

/** How often the one mirror failed, as it is remembered; and has something else remembered. */
function expectFailures(failures: number, instead: { failures?: number; failedAt?: number }): void {
  const record = bed.sandbox.path('home/.local/state/gam/measures.json');
  const content = JSON.parse(readFileSync(record, 'utf8')) as { measures: Record<string, object> };
  const failed = Object.entries(content.measures).filter(([, measure]) =>
    Object.entries(measure).some(([name, value]) => name === 'failures' && value > 0),
  );
  expect(failed).toEqual([[expect.any(String), expect.objectContaining({ failures })]]);
  for (const [key, measure] of failed) content.measures[key] = { ...measure, ...instead };
  writeFileSync(record, JSON.stringify(content));
}

/** A pair whose sides have a partial clone each that came from canonical alone, and a mirror since. */
async function partial(name: string, mirror: string): Promise<Pair> {
  const pair = await bed.pair('canonical', name);
  const args = ['clone', '-q', '--filter=blob:none', '--no-checkout'];
  await pair.git(({ url }) => [...args, url, 'repo']);
  await pair.both(({ cwd }) => setOrigin(bed.sandbox, `${cwd}/repo`, { mirrorUrl: mirror }));
  bed.packs.forget();
  bed.mirrors.requests.length = 0;
  return pair;
}

describe.each(SCHEMES)('canonical and mirror by %s', (scheme) => {
  test.each([['--depth=1'], ['--filter=blob:none']])('clone %s, and a look at its past', async (option) => {
    const { sandbox, packs } = bed;
    const mirror = await openPlace(sandbox, scheme, 'mirrors');
    onTestFinished(() => mirror.close());
    const pair = await makePair(sandbox, 'canonical', scheme, `by-${scheme}${option.replace(/\W/g, '')}`, [
      mirror,
    ]);
    onTestFinished(() => pair.close());
    const config = `remote.origin.mirrorUrl=${mirror.url('canonical')}`;
    const { gam } = await pair.git(({ url }) => ['clone', '-c', config, option, url, 'repo']);
    await pair.git(() => ['log', '-p', '-5', '--format=%H'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    const plain = packs.sentFrom(pair.plain.place.folder);
    expect(packs.sentFrom('mirrors'), gam.stderr).toBeGreaterThan(0.9 * plain);
    expect(packs.sentFrom(pair.gam.place.folder)).toBe(0);
    expect(gam.stderr).toMatch(/^gam: fetching from /m);
    expect(gam.stderr).toMatch(
      /^gam: [0-9.]+ KiB from .*, [0-9.]+ (?:KiB|bytes) from canonical \(9[0-9] % saved\)$/m,
    );
  });
});

describe('the request goes to the mirror', () => {
  test.each([['--no-tags'], ['--tags']])('as actions/checkout fetches, %s', async (tags) => {
    const pair = await initialised(`checkout ${tags}`, bed.mirror('canonical'));
    const { stdout } = await bed.sandbox.git(['rev-parse', 'main~7'], { cwd: 'canonical' });
    const refspec = `+${stdout.trim()}:refs/remotes/origin/main`;
    const options = [tags, '--prune', '--no-recurse-submodules', '--depth=1'];
    await pair.git(() => ['-c', 'protocol.version=2', 'fetch', ...options, 'origin', refspec], {
      cwd: 'repo',
    });
    await pair.git(() => ['checkout', '-q', '--force', '-B', 'main', 'refs/remotes/origin/main'], {
      cwd: 'repo',
    });
    await pair.expectAlike('repo');
    expectFromMirror(pair);
  });

  test.each([
    ['log -p -10 --format=%H'],
    ['checkout -q main~30'],
    ['blame main -- src/part-0/file-0.ts'],
    ['archive --format=tar -o archive.tar main~50'],
    ['cat-file blob main~60:src/part-0/file-3.ts'],
  ])('in a partial clone: %s', async (command) => {
    const pair = await partial(command, bed.mirror('canonical'));
    const { gam } = await pair.git(() => command.split(' '), { cwd: 'repo' });
    await pair.expectAlike('repo');
    expectFromMirror(pair);
    // There may be hundreds of lazy fetches in one command.
    expect(gam.stderr).not.toContain('gam: ');
  });

  test.each([['--depth=2'], ['--filter=blob:none']])('clone %s of a sha256 repository', async (option) => {
    const pair = await bed.pair('canonical-256', `sha256 ${option}`);
    const config = `remote.origin.mirrorUrl=${bed.mirror('canonical-256')}`;
    await pair.git(({ url }) => ['clone', '-c', config, option, url, 'repo']);
    await pair.expectAlike('repo');
    expectFromMirror(pair);
  });

  test('with what is to be checked of every object', async () => {
    const pair = await bed.pair('canonical', 'fsck');
    const config = [
      '-c',
      `remote.origin.mirrorUrl=${bed.mirror('canonical')}`,
      '-c',
      'transfer.fsckObjects=true',
    ];
    await pair.git(({ url }) => ['clone', ...config, '--depth=3', url, 'repo']);
    await pair.expectAlike('repo');
    expectFromMirror(pair);
  });

  test('through a hook of the user for packing, which is for servers', async () => {
    const pair = await bed.pair('canonical', 'hook');
    const config = ['-c', `remote.origin.mirrorUrl=${bed.mirror('canonical')}`];
    const hook = ['-c', 'uploadpack.packObjectsHook=false', '-c', 'uploadpackfilter.allow=false'];
    const { url, cwd } = pair.gam;
    await bed.sandbox.git([...hook, 'clone', ...config, '--filter=blob:none', '--bare', url, 'repo'], {
      cwd,
    });
    expect(bed.packs.sentFrom(pair.gam.place.folder)).toBe(0);
  });

  test('-q is quiet', async () => {
    const pair = await bed.pair('canonical', 'quiet');
    const config = `remote.origin.mirrorUrl=${bed.mirror('canonical')}`;
    const { gam } = await pair.git(({ url }) => ['clone', '-q', '-c', config, '--depth=1', url, 'repo']);
    expect(gam.stderr).toBe('');
    expectFromMirror(pair);
  });
});

describe('canonical answers, and the mirror costs one line', () => {
  test.each([
    ['has no filters', 'unfiltered', '--filter=blob:none', /: does not offer filters$/],
    ['is behind', 'behind', '--depth=1', /: refused: upload-pack: not our ref [0-9a-f]+$/],
    ['is behind', 'behind', '--filter=blob:none', /: refused: upload-pack: not our ref [0-9a-f]+$/],
    ['has another hash', 'canonical-256', '--depth=1', /: has sha256 objects$/],
  ])('a mirror that %s (%s, %s)', async (_, mirror, option, line) => {
    const pair = await bed.pair('canonical', `unfit ${mirror} ${option}`);
    const config = `remote.origin.mirrorUrl=${bed.mirror(mirror)}`;
    const { gam } = await pair.git(({ url }) => ['clone', '-c', config, option, '--bare', url, 'repo']);
    await pair.expectAlike('repo');
    const said = gam.stderr.split('\n').filter((text) => text.startsWith('gam: passing over '));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(line);
    expect(bed.sent(pair).mirrors).toBe(0);
  });

  test('the second mirror serves where the first is behind', async () => {
    const pair = await bed.pair('canonical', 'second');
    const config = ['behind', 'canonical'].flatMap((name) => [
      '-c',
      `remote.origin.mirrorUrl=${bed.mirror(name)}`,
    ]);
    await pair.git(({ url }) => ['clone', ...config, '--depth=1', url, 'repo']);
    await pair.expectAlike('repo');
    expectFromMirror(pair);
  });

  // git follows the tags that come along, and a clone from the mirror alone would be without this one.
  test('a mirror that has the commit, and lacks a tag on it', async () => {
    const { sandbox } = bed;
    await cloneBare(sandbox, 'canonical', 'tagged');
    await sandbox.git(['tag', '-a', '-m', 'new', 'new', 'main~1'], { cwd: 'tagged' });
    const pair = await bed.pair('tagged', 'lacks-tag');
    const config = `remote.origin.mirrorUrl=${bed.mirror('canonical')}`;
    const { gam } = await pair.git(({ url }) => ['clone', '-c', config, '--depth=3', url, 'repo']);
    await pair.expectAlike('repo');
    expect(gam.stderr).toMatch(/^gam: passing over .*: lacks a tag that canonical has$/m);
    const tags = await sandbox.git(['tag', '-l', 'new'], { cwd: `${pair.gam.cwd}/repo` });
    expect(tags.stdout).toBe('new\n');
  });

  // The mirror sends its own tags along, and git must not hear of them, nor keep their objects.
  test('a mirror with more tags than canonical is used, without them', async () => {
    const { sandbox } = bed;
    await cloneBare(sandbox, 'canonical', 'mirrors/more-tags');
    await sandbox.git(['tag', '-a', '-m', 'own', 'own', 'main'], { cwd: 'mirrors/more-tags' });
    const own = await sandbox.git(['rev-parse', 'own'], { cwd: 'mirrors/more-tags' });
    const pair = await bed.pair('canonical', 'more-tags');
    const config = `remote.origin.mirrorUrl=${bed.mirror('more-tags')}`;
    await pair.git(({ url }) => ['clone', '-c', config, '--depth=3', url, 'repo']);
    await pair.expectAlike('repo');
    expectFromMirror(pair);
    const there = await sandbox.git(['cat-file', '-e', own.stdout.trim()], {
      cwd: `${pair.gam.cwd}/repo`,
      expectStatus: null,
    });
    expect(there.status).not.toBe(0);
  });

  test('a lazy fetch from a mirror that lacks the object, and those that follow leave it alone', async () => {
    const pair = await partial('lacking', bed.mirror('behind'));
    const { gam } = await pair.git(() => ['log', '-p', '-2', '--format=%H', '-m'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(gam.stderr.match(/^gam: .*$/gm)).toEqual([
      expect.stringMatching(/^gam: passing over .*: refused: /),
    ]);
    // So that the time it backs off does not end before the next command does, however slow the machine is.
    expectFailures(1, { failures: 7 });
    const requests = bed.mirrors.requests.length;
    const again = await pair.git(() => ['log', '-p', '-16', '--format=%H', '-m'], { cwd: 'repo' });
    expect(again.gam.stderr).not.toContain('gam: ');
    expect(bed.mirrors.requests).toHaveLength(requests);
    expectFailures(7, { failedAt: Date.now() - 2 * 3_600_000 });
    await pair.git(() => ['log', '-p', '--format=%H', '-m', 'main~40', '-2'], { cwd: 'repo' });
    expect(bed.mirrors.requests.length).toBeGreaterThan(requests);
  });
});

// A mirror may have what canonical has not, or has no more: plain git fails, and so must git through gam.
describe.each(SCHEMES)('an id that canonical does not have (by %s)', (scheme) => {
  test.each([['--depth=1'], ['--filter=blob:none --no-tags'], ['--filter=blob:none --depth=1 --no-tags']])(
    'fetch %s <id> fails as plain git does',
    async (options) => {
      const { sandbox } = bed;
      const name = 'mirrors/ahead';
      if (!existsSync(sandbox.path(name))) {
        await cloneBare(sandbox, 'canonical', name);
        await addCommits(sandbox, name, 3, { seed: 8 });
        await serves(name, 'uploadpack.allowFilter');
      }
      const { stdout } = await sandbox.git(['rev-parse', 'main'], { cwd: name });
      const pair = await initialised(`${scheme} removed ${options}`, bed.mirror('ahead'), scheme);
      const args = ['fetch', ...options.split(' '), 'origin', `+${stdout.trim()}:refs/remotes/origin/main`];
      await pair.both(async ({ cwd }) => {
        const run = { cwd: `${cwd}/repo`, env: pair.env, expectStatus: 128 };
        // Where the server's own complaints are seen, the second question to it brings a second one.
        expect((await sandbox.git(args, run)).stderr).toContain('upload-pack: not our ref');
      });
      await pair.expectAlike('repo');
      expect(bed.sent(pair).mirrors).toBeGreaterThan(0);
    },
  );
});

test('a shallow clone goes on with canonical: a fetch, --deepen and --unshallow', async () => {
  const { sandbox } = bed;
  const pair = await bed.pair('canonical', 'goes-on');
  const config = `remote.origin.mirrorUrl=${bed.mirror('canonical')}`;
  await pair.git(({ url }) => ['clone', '-c', config, '--depth=3', url, 'repo']);
  await pair.both(({ canonical }) => addCommits(sandbox, canonical, 5, { seed: 3 }));
  for (const command of ['fetch', 'fetch --depth=2', 'fetch --deepen=4', 'fetch --unshallow --no-tags']) {
    bed.mirrors.requests.length = 0;
    await pair.git(() => command.split(' '), { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.mirrors.requests, command).toEqual([]);
  }
});

test('submodules by --shallow-submodules, each level from its own mirror', async () => {
  const { sandbox } = bed;
  await makeByRecipe(sandbox, 'submodules', 'made');
  for (const name of ['super', 'library', 'tool'])
    cpSync(sandbox.path('made', name), sandbox.path('mirrors', name), { recursive: true });
  const pair = await bed.pair('made/super', 'submodules');
  await pair.both(async ({ place, canonical }) => {
    for (const name of ['library', 'tool'])
      cpSync(sandbox.path('made', name), sandbox.path(place.folder, name), { recursive: true });
    renameSync(sandbox.path(canonical), sandbox.path(place.folder, 'super'));
  });
  const bases = [pair.plain, pair.gam].map(({ place }) => `mirror.${place.url('')}.url=${bed.mirror('')}`);
  const config = ['protocol.mirror.allow=always', ...bases].flatMap((setting) => ['-c', setting]);
  const shallow = ['--depth=1', '--recurse-submodules', '--shallow-submodules'];
  await pair.git(({ url }) => [...config, 'clone', '-q', ...shallow, url.replace(/repo$/, 'super'), 'repo']);
  for (const module of ['repo', 'repo/library', 'repo/library/tool']) await pair.expectAlike(module);
  expectFromMirror(pair);
});

test('clone --dissociate from what another repository has, of a part of the history', async () => {
  const { sandbox } = bed;
  await sandbox.git(['clone', '-q', '--bare', 'mirrors/behind', 'borrowed']);
  const pair = await bed.pair('canonical', 'borrowing');
  const config = `remote.origin.mirrorUrl=${bed.mirror('canonical')}`;
  const reference = ['--reference', sandbox.path('borrowed'), '--dissociate'];
  await pair.git(({ url }) => ['clone', '-c', config, ...reference, '--depth=4', url, 'repo']);
  await pair.expectAlike('repo');
});
