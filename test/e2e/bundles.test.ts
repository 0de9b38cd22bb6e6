import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { makeBundle, makeBundleList } from '../helpers/bundles.ts';
import { expectNoChildren } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { type Line, type LineOptions, openLine } from '../helpers/line.ts';
import { cloneBare, copyEarlier, generateHistory } from '../helpers/repository.ts';

// A mirror that is a plain file: git bundle has written it, any web server has it, and it may be old.

let bed: Bed;
let files: HttpServer;

beforeAll(async () => {
  bed = await makeBed();
  // A machine that is busy is no reason to leave a mirror.
  for (const key of ['gam.connectTimeout', 'gam.lowSpeedTime'])
    await bed.sandbox.git(['config', '--global', key, '60s']);
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'canonical', { commits: 260 });
  await cloneBare(sandbox, 'canonical', 'mirrors/fresh');
  await copyEarlier(sandbox, 'canonical', 'older.git', 'main~40');
  await copyEarlier(sandbox, 'canonical', 'earlier.git', 'main~60');
  await sandbox.git(['clone', '-q', 'earlier.git', 'earlier']);
  await makeBundle(sandbox, 'canonical', 'files/whole.bundle');
  await makeBundle(sandbox, 'older.git', 'files/old.bundle');
  await makeBundle(sandbox, 'canonical', 'files/new.bundle', ['main~61..main']);
  files = await startHttpServer({ root: sandbox.path('files'), env: sandbox.serverEnv, speaks: 'dumb' });
});

afterAll(async () => {
  await files.close();
  await bed.close();
});
beforeEach(() => {
  bed.packs.forget();
  files.requests.length = 0;
});

const mirrored = (...urls: readonly string[]) =>
  urls.flatMap((url) => ['-c', `remote.origin.mirrorUrl=${url}`]);
const file = (name: string) => `${files.url}/${name}`;
const size = (name: string) => statSync(bed.sandbox.path('files', name)).size;

function bytesFrom(stderr: string): number {
  const [, amount = '0', unit = ''] = /^gam: ([\d.]+) (bytes|KiB|MiB) from /m.exec(stderr) ?? [];
  return Number(amount) * ({ KiB: 1024, MiB: 1024 ** 2 }[unit] ?? 1);
}

describe('a bundle on the web', () => {
  test.each([
    ['whole', 100],
    ['old', 0.4],
  ])('%s: a clone takes it, and the rest from canonical', async (name, most) => {
    const pair = await bed.pair('canonical', `clone-${name}`);
    const { gam } = await pair.git(({ url }) => ['clone', ...mirrored(file(`${name}.bundle`)), url, 'repo']);
    await pair.expectAlike('repo');
    const { plain, canonical } = bed.sent(pair);
    expect(canonical).toBeLessThan(most > 1 ? most : most * plain);
    expect(gam.stderr).toMatch(/^gam: fetching from 127\.0\.0\.1:\d+ \(\d+ ms\)$/m);
    expect(gam.stderr).toMatch(/^gam: .* from 127\.0\.0\.1:\d+, .* from canonical \(\d+ % saved\)$/m);
    expect(bytesFrom(gam.stderr)).toBeCloseTo(size(`${name}.bundle`), -3);
  });

  test.each(['whole', 'old', 'new'])('%s: a fetch takes it', async (name) => {
    const pair = await bed.pair('canonical', `fetch-${name}`);
    await bed.adopt(pair, 'earlier', 'repo');
    await pair.git(() => [...mirrored(file(`${name}.bundle`)), 'fetch'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    const { plain, canonical } = bed.sent(pair);
    expect(canonical).toBeLessThan(0.8 * plain);
  });

  test.each([
    ['--single-branch', ['--single-branch']],
    ['--no-tags', ['--no-tags']],
    ['--bare', ['--bare']],
    ['--mirror', ['--mirror']],
    ['--depth', ['--depth', '3']],
    ['-q', ['-q']],
    ['--progress', ['--progress']],
  ])('a clone with %s is as without gam, although the bundle has more', async (name, options) => {
    const pair = await bed.pair('older.git', `option${name}`);
    const { gam } = await pair.git(({ url }) => [
      'clone',
      ...options,
      ...mirrored(file('whole.bundle')),
      url,
      'repo',
    ]);
    await pair.expectAlike('repo');
    if (name === '-q') expect(gam.stderr).toBe('');
    if (name === '--progress')
      expect(gam.stderr).toMatch(/Receiving objects: 100% \(\d+\/\d+\), [\d.]+ KiB .*done\.\n/);
  });

  test('what only a bundle has, a branch that canonical does not know, is not left behind', async () => {
    const pair = await bed.pair('canonical', 'more');
    await pair.both(({ canonical }) => bed.sandbox.git(['branch', '-D', 'topic-1'], { cwd: canonical }));
    const { gam } = await pair.git(({ url }) => [
      'clone',
      '--bare',
      ...mirrored(file('whole.bundle')),
      url,
      'repo',
    ]);
    await pair.expectAlike('repo');
    expect(gam.stderr).toMatch(/from canonical/);
    const tip = await bed.sandbox.git(['rev-parse', 'topic-1'], { cwd: 'canonical' });
    const there = await bed.sandbox.git(['cat-file', '-e', tip.stdout.trim()], {
      cwd: `${pair.gam.cwd}/repo`,
      expectStatus: null,
    });
    expect(there.status).not.toBe(0);
  });

  test('under any name, when gam.bundleUrl says so', async () => {
    writeFileSync(bed.sandbox.path('files/any'), readFileSync(bed.sandbox.path('files/whole.bundle')));
    const pair = await bed.pair('canonical', 'any-name');
    const config = ['-c', `gam.bundleUrl=${files.url}/`, ...mirrored(file('any'))];
    await pair.git(({ url }) => ['clone', ...config, url, 'repo']);
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });

  test('and a git server in their order, each as it is', async () => {
    const pair = await bed.pair('canonical', 'order');
    const urls = [file('missing.bundle'), bed.mirror('fresh'), file('whole.bundle')];
    const { gam } = await pair.git(({ url }) => ['clone', ...mirrored(...urls), url, 'repo']);
    await pair.expectAlike('repo');
    expect(gam.stderr.match(/^gam: passing over .*$/gm)).toEqual([expect.stringContaining('answered 404')]);
    expect(bed.sent(pair).mirrors).toBeGreaterThan(0.9 * bed.sent(pair).plain);
    expect(files.requests.map(({ path }) => path)).toEqual(['/missing.bundle']);
  });

  test('is not asked by a fetch with nothing new', async () => {
    const pair = await bed.pair('earlier.git', 'nothing-new');
    await bed.adopt(pair, 'earlier', 'repo');
    await pair.git(() => [...mirrored(file('whole.bundle')), 'fetch'], { cwd: 'repo' });
    expect(files.requests).toEqual([]);
  });

  test('of sha256', async () => {
    await generateHistory(bed.sandbox, 'canonical256', { commits: 60, objectFormat: 'sha256' });
    await makeBundle(bed.sandbox, 'canonical256', 'files/sha256.bundle');
    const pair = await bed.pair('canonical256', 'sha256');
    await pair.git(({ url }) => ['clone', ...mirrored(file('sha256.bundle')), url, 'repo']);
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });
});

describe('a bundle that is a file here', () => {
  test.each([
    ['its path', (path: string) => path],
    ['file://', (path: string) => `file://${path}`],
  ])('by %s is used where it lies', async (name, url) => {
    const pair = await bed.pair('canonical', `local-${name.replaceAll(/\W/g, '')}`);
    const path = bed.sandbox.path('files/old.bundle');
    const before = statSync(path);
    await pair.git((side) => ['clone', ...mirrored(url(path)), side.url, 'repo']);
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(0.4 * bed.sent(pair).plain);
    expect(statSync(path).mtimeMs).toBe(before.mtimeMs);
  });

  test('that is no bundle is passed over', async () => {
    const pair = await bed.pair('canonical', 'no-bundle');
    const path = bed.sandbox.path('home/.gitconfig');
    const { gam } = await pair.git((side) => ['clone', ...mirrored(path), side.url, 'repo']);
    await pair.expectAlike('repo');
    expect(gam.stderr).toMatch(/passing over .*\.gitconfig: is neither a bundle nor a list of bundles/);
  });
});

describe('a list of bundles', () => {
  beforeAll(async () => {
    const { sandbox } = bed;
    // Each holds what its repository has beyond the one before.
    const days = ['earlier.git', 'older.git', 'canonical'];
    for (const [index, repository] of days.entries()) {
      const before = days[index - 1];
      const tip = before && (await sandbox.git(['rev-parse', 'main'], { cwd: before })).stdout.trim();
      const beyond = tip === undefined ? [] : [`^${tip}`];
      const revisions = ['--branches', '--tags', ...beyond];
      await makeBundle(sandbox, repository, `files/days/${index + 1}.bundle`, revisions);
    }
    await makeBundleList(sandbox, 'files/days/bundle-list', ['1.bundle', './2.bundle', '3.bundle']);
    await makeBundleList(
      sandbox,
      'files/days/shuffled.bundle-list',
      ['3.bundle', '2.bundle', '1.bundle'],
      'all',
      false,
    );
    await makeBundleList(
      sandbox,
      'files/any.bundle-list',
      ['missing.bundle', 'whole.bundle', 'old.bundle'],
      'any',
      false,
    );
  });

  test.each(['days/bundle-list', 'days/shuffled.bundle-list', 'any.bundle-list'])(
    '%s: a clone takes what it needs',
    async (list) => {
      const pair = await bed.pair('canonical', `list-${list}`);
      const { gam } = await pair.git(({ url }) => ['clone', ...mirrored(file(list)), url, 'repo']);
      await pair.expectAlike('repo');
      expect(bed.sent(pair).canonical, gam.stderr).toBeLessThan(100);
      expect(gam.stderr).not.toMatch(/passing over/);
      expect(gam.stderr.match(/^gam: fetching from/gm)).toHaveLength(1);
      if (list.startsWith('any'))
        expect(files.requests.map(({ path }) => path)).toEqual([
          '/any.bundle-list',
          '/missing.bundle',
          '/whole.bundle',
        ]);
    },
  );

  test('a fetch takes those that are newer than what is here, and leaves the others', async () => {
    const pair = await bed.pair('canonical', 'list-fetch');
    await bed.adopt(pair, 'earlier', 'repo');
    const { gam } = await pair.git(() => [...mirrored(file('days/bundle-list')), 'fetch'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical, gam.stderr).toBeLessThan(100);
    const asked = new Set(files.requests.map(({ path }) => path));
    expect(asked).toEqual(new Set(['/days/bundle-list', '/days/2.bundle', '/days/3.bundle']));
  });

  test('one that is broken costs what builds on it, not what it builds on', async () => {
    const { sandbox } = bed;
    for (const number of [1, 2, 3]) {
      mkdirSync(sandbox.path('files/broken'), { recursive: true });
      const bytes = readFileSync(sandbox.path(`files/days/${number}.bundle`));
      if (number === 2) bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 50);
      writeFileSync(sandbox.path(`files/broken/${number}.bundle`), bytes);
    }
    await makeBundleList(sandbox, 'files/broken/bundle-list', ['1.bundle', '2.bundle', '3.bundle']);
    const pair = await bed.pair('canonical', 'list-broken');
    await pair.git(({ url }) => ['clone', ...mirrored(file('broken/bundle-list')), url, 'repo']);
    await pair.expectAlike('repo');
    const { canonical, plain } = bed.sent(pair);
    expect(canonical).toBeGreaterThan(100);
    expect(canonical).toBeLessThan(0.6 * plain);
  });
});

describe('two mirrors with the same bundle', () => {
  async function line(options: Partial<LineOptions>): Promise<Line> {
    const opened = await openLine({ to: files.port, ...options });
    onTestFinished(() => opened.close());
    return opened;
  }
  const at = ({ port }: Line, name: string) => `http://127.0.0.1:${port}/${name}`;

  beforeAll(async () => {
    await generateHistory(bed.sandbox, 'bulky', { commits: 300, files: 400, blobSize: 20_000 });
    await makeBundle(bed.sandbox, 'bulky', 'files/bulky.bundle');
    expect(size('bulky.bundle')).toBeGreaterThan(2.5 * 1024 ** 2);
  });

  test('share the download', async () => {
    const [one, two] = [
      await line({ latency: 2, download: 16e6 }),
      await line({ latency: 2, download: 16e6 }),
    ];
    const pair = await bed.pair('bulky', 'shared');
    const urls = [at(one, 'bulky.bundle'), at(two, 'bulky.bundle')];
    const { gam } = await pair.git(({ url }) => ['clone', ...mirrored(...urls), url, 'repo']);
    await pair.expectAlike('repo');
    expect(gam.stderr).toMatch(/MiB from 127\.0\.0\.1:\d+, .* from 127\.0\.0\.1:\d+, .* from canonical/);
    for (const { bytesDown } of [one, two]) expect(bytesDown).toBeGreaterThan(0.2 * size('bulky.bundle'));
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });

  test('and one that breaks off leaves the other to it', async () => {
    const [one, two] = [
      await line({ latency: 2, download: 16e6, fault: { kind: 'reset', after: 1e6 } }),
      await line({ latency: 2, download: 16e6 }),
    ];
    const pair = await bed.pair('bulky', 'one-breaks');
    const urls = [at(one, 'bulky.bundle'), at(two, 'bulky.bundle')];
    const { gam } = await pair.git(({ url }) => ['clone', ...mirrored(...urls), url, 'repo']);
    await pair.expectAlike('repo');
    expect(gam.stderr).not.toMatch(/passing over/);
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });

  test.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])(
    'interrupted by %s in the middle, nothing is left',
    async (signal) => {
      const { sandbox } = bed;
      const [one, two] = [await line({ download: 8e6 }), await line({ download: 8e6 })];
      const pair = await bed.pair('bulky', `interrupted-${signal}`);
      const urls = [at(one, 'bulky.bundle'), at(two, 'bulky.bundle')];
      const running = sandbox.start('git', ['clone', ...mirrored(...urls), pair.gam.url, signal]);
      await one.reached(600_000);
      running.kill(signal);
      expect(await running.ended).toMatchObject({ signal });
      await expectNoChildren(sandbox);
      expect(existsSync(sandbox.path(signal))).toBe(false);
    },
  );

  test('killed in the middle of a fetch, the next one cleans up and completes', async () => {
    const { sandbox } = bed;
    const slow = await line({ download: 8e6 });
    const pair = await bed.pair('bulky', 'killed');
    await pair.both(({ cwd, url }) =>
      sandbox
        .git(['init', '-q', `${cwd}/repo`])
        .then(() => sandbox.git(['remote', 'add', 'origin', url], { cwd: `${cwd}/repo` })),
    );
    const repo = `${pair.gam.cwd}/repo`;
    const running = sandbox.start('git', [...mirrored(at(slow, 'bulky.bundle')), 'fetch'], { cwd: repo });
    await slow.reached(600_000);
    running.kill('SIGKILL');
    await running.ended;
    await expectNoChildren(sandbox);
    await pair.git(() => [...mirrored(file('bulky.bundle')), 'fetch'], { cwd: 'repo' });
    await pair.expectAlike('repo');
    expect(bed.sent(pair).canonical).toBeLessThan(100);
  });
});

describe('a bundle that changes while it comes', () => {
  test('is taken as it is in the end', async () => {
    const { sandbox } = bed;
    const [before, after] = [file('bulky.bundle'), file('whole.bundle')].map((url) =>
      readFileSync(sandbox.path('files', new URL(url).pathname)),
    );
    let asked = 0;
    // A server without parts, which breaks off in the middle and then has another file.
    files.answer = (request, response) => {
      if (request.url !== '/changing.bundle') return false;
      asked += 1;
      const bytes = (asked === 1 ? before : after) ?? Buffer.alloc(0);
      response.writeHead(200, { 'Content-Length': bytes.length });
      if (asked > 1) response.end(bytes);
      else response.write(bytes.subarray(0, 1e6), () => response.destroy());
      return true;
    };
    onTestFinished(() => {
      files.answer = null;
    });
    const both = await bed.pair('canonical', 'changing');
    // Both bundles are of histories that this repository wants.
    const { gam } = await both.git(({ url }) => [
      'clone',
      '--no-tags',
      ...mirrored(file('changing.bundle')),
      url,
      'repo',
    ]);
    await both.expectAlike('repo');
    expect(asked).toBe(2);
    expect(gam.stderr).not.toMatch(/passing over/);
    expect(bed.sent(both).canonical).toBeLessThan(100);
  });
});
