import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { startGitDaemon } from '../helpers/git-daemon.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { closedPort } from '../helpers/listening.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, copyEarlier, generateHistory } from '../helpers/repository.ts';

// In a clone the mirror sends already while canonical still says what it has.

let bed: Bed;
let canonical: HttpServer;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/canonical', { commits: 200 });
  await cloneBare(sandbox, 'served/canonical', 'mirrors/fresh');
  await copyEarlier(sandbox, 'served/canonical', 'mirrors/stale', 'main~40');
  await cloneBare(sandbox, 'served/canonical', 'mirrors/more');
  await addCommits(sandbox, 'mirrors/more', 10);
  await sandbox.git(['branch', 'only-here', 'main'], { cwd: 'mirrors/more' });
  await sandbox.git(['tag', 'only-here'], { cwd: 'mirrors/more' });
  canonical = await startHttpServer({
    root: sandbox.path('served'),
    env: sandbox.serverEnv,
  });
});

afterAll(async () => {
  await canonical.close();
  await bed.close();
});

beforeEach(async () => {
  await bed.forgetMirrors();
  bed.packs.forget();
  bed.mirrors.before = null;
  bed.mirrors.requests.length = 0;
  canonical.before = null;
});

/** Something that happens once, and those who wait for it. */
interface Happening {
  happened: Promise<void>;
  happen: () => void;
}

function happening(): Happening {
  let happen: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}

/** Posts are `ls-refs` first, and then one for each round of a fetch. */
function countPosts(server: HttpServer): () => number {
  return () => server.requests.filter(({ method }) => method === 'POST').length;
}

function settings(...mirrors: string[]): string[] {
  return mirrors.flatMap((mirror) => ['-c', `remote.origin.mirrorUrl=${mirror}`]);
}

async function expectCloned(to: string): Promise<void> {
  await expectNoChildren(bed.sandbox);
  await expectClean(bed.sandbox, to);
  await expectSameRefs(bed.sandbox, to, 'served/canonical', asFetched);
}

test('the mirror is asked for its pack before canonical has said anything', async () => {
  const asked = happening();
  const posts = countPosts(bed.mirrors);
  bed.mirrors.before = async () => {
    if (posts() === 2) asked.happen();
  };
  canonical.before = () => asked.happened;
  const url = `mirror::${canonical.url}/canonical`;
  const { stderr } = await bed.sandbox.git(['clone', ...settings(bed.mirror('fresh')), url, 'asked-early']);
  await expectCloned('asked-early');
  expect(stderr).toMatch(/ saved\)$/m);
  expect(posts()).toBe(2);
});

test('what git draws meanwhile is shown once it is clear that git wants it', async () => {
  const sent = happening();
  canonical.before = () => sent.happened;
  bed.mirrors.before = async (request) => {
    if (request.method === 'POST') request.once('close', () => setImmediate(sent.happen));
  };
  const url = `mirror::${canonical.url}/canonical`;
  const args = ['clone', '--progress', ...settings(bed.mirror('fresh')), url, 'drawn'];
  const { stderr } = await bed.sandbox.git(args);
  const lines = stderr.split(/[\r\n]+/);
  const told = lines.findIndex((line) => line.startsWith('gam: fetching from'));
  const drawn = lines.findIndex((line) => line.startsWith('Receiving objects'));
  expect(told).toBeGreaterThan(-1);
  expect(drawn).toBeGreaterThan(told);
  expect(lines.slice(0, told).join()).not.toContain('objects');
});

test('a mirror that is behind has a head start, too', async () => {
  const posts = countPosts(bed.mirrors);
  const url = `mirror::${canonical.url}/canonical`;
  const { stderr } = await bed.sandbox.git(['clone', ...settings(bed.mirror('stale')), url, 'behind']);
  await expectCloned('behind');
  expect(stderr).toMatch(/^gam: .* saved\)$/m);
  // Nothing was asked for twice.
  expect(posts()).toBe(2);
});

test('a dead mirror is tried once, told once, and the next one takes over', async () => {
  const dead = `http://127.0.0.1:${await closedPort()}/dead`;
  const url = `mirror::${canonical.url}/canonical`;
  const mirrors = settings(dead, bed.mirror('fresh'));
  const { stderr } = await bed.sandbox.git(['clone', ...mirrors, url, 'after-dead']);
  await expectCloned('after-dead');
  expect(stderr.match(/^gam: .*$/gm)).toEqual([
    expect.stringMatching(/^gam: passing over 127\.0\.0\.1:[0-9]+: /),
    expect.stringMatching(/^gam: fetching from /),
    expect.stringMatching(/^gam: .* saved\)$/),
  ]);
});

test.each([
  ['a branch and a tag that canonical does not have', 'more', []],
  ['more than git asks for', 'fresh', ['--single-branch', '--branch', 'topic-0']],
  ['tags that git does not want', 'fresh', ['--no-tags']],
])('dropped for %s: the clone is as plain git makes it', async (why, mirror, options) => {
  const pair = await bed.pair('served/canonical', `dropped ${why}`);
  const trace = bed.sandbox.path(`trace ${why}`);
  const args = ({ url }: { url: string }) => [
    'clone',
    ...settings(bed.mirror(mirror)),
    ...options,
    url,
    'repo',
  ];
  const { gam } = await pair.git(args, { env: { GAM_TRACE: trace } });
  await pair.expectAlike('repo');
  expect(readFileSync(trace, 'utf8')).toMatch(/head-start-dropped/);
  // It is then fetched the usual way.
  expect(gam.stderr.match(/^gam: .*$/gm)).toEqual([
    expect.stringMatching(/^gam: fetching from /),
    expect.stringMatching(/ saved\)$/),
  ]);
});

// git asks for nothing then, and the helper once ended before what had come was removed.
test('of one that is through, nothing is left in the clone of an empty repository', async () => {
  const { sandbox } = bed;
  await sandbox.git(['init', '-q', '--bare', 'served/empty']);
  const trace = sandbox.path('empty-trace');
  canonical.before = async ({ method }) => {
    const isThrough = () => existsSync(trace) && readFileSync(trace, 'utf8').includes('connected');
    if (method === 'POST') await vi.waitUntil(isThrough, { timeout: 30_000 });
  };
  const args = [...settings(bed.mirror('fresh')), `mirror::${canonical.url}/empty`, 'of-empty'];
  for (let round = 0; round < 3; round += 1) {
    await sandbox.git(['clone', ...args], { env: { GAM_TRACE: trace } });
    // At once: what goes later has no owner any more.
    expect(readdirSync(sandbox.path('of-empty/.git/objects')).sort()).toEqual(['info', 'pack']);
    await rm(sandbox.path('of-empty'), { recursive: true });
    await rm(trace);
  }
});

test('a fetch into a repository that has refs has none', async () => {
  await bed.sandbox.git(['clone', '-q', `${canonical.url}/canonical`, 'has-refs']);
  const url = `mirror::${canonical.url}/canonical`;
  await bed.sandbox.git([...settings(bed.mirror('fresh')), 'fetch', url], { cwd: 'has-refs' });
  expect(bed.mirrors.requests).toEqual([]);
});

test.each(['http', 'git'])(
  'canonical refuses over %s while the mirror is at work: the folder goes, and nothing is said of a mirror',
  async (scheme) => {
    const { happened, happen } = happening();
    const posts = countPosts(bed.mirrors);
    bed.mirrors.before = async () => {
      if (posts() !== 2) return;
      happen();
      // The mirror never comes to its pack.
      await new Promise(() => undefined);
    };
    canonical.before = () => happened;
    const daemon = await startGitDaemon({
      root: bed.sandbox.path('served'),
      env: bed.sandbox.serverEnv,
      before: () => happened,
    });
    const base = scheme === 'git' ? `git://127.0.0.1:${daemon.port}` : canonical.url;
    const args = ['clone', ...settings(bed.mirror('fresh')), `mirror::${base}/absent`, `refused-${scheme}`];
    const { stderr } = await bed.sandbox.git(args, { expectStatus: 128 });
    await expectNoChildren(bed.sandbox);
    expect(existsSync(bed.sandbox.path(`refused-${scheme}`))).toBe(false);
    expect(stderr).not.toContain('gam:');
    await daemon.close();
  },
);

test('a branch that canonical does not have, asked for while the mirror is at work: the folder goes', async () => {
  const { happened, happen } = happening();
  const posts = countPosts(bed.mirrors);
  bed.mirrors.before = async () => {
    if (posts() === 2) happen();
  };
  canonical.before = () => happened;
  const url = `mirror::${canonical.url}/canonical`;
  const args = ['clone', '--branch', 'nowhere', ...settings(bed.mirror('fresh')), url, 'no-such-branch'];
  await bed.sandbox.git(args, { expectStatus: 128 });
  await expectNoChildren(bed.sandbox);
  expect(existsSync(bed.sandbox.path('no-such-branch'))).toBe(false);
});
