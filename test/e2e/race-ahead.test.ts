import { mkdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Observation } from '../../src/mirror/measure.ts';
import { remember } from '../../src/state/measures.ts';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { closedPort } from '../helpers/listening.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, copyEarlier, generateHistory, setOrigin } from '../helpers/repository.ts';
import { copyRepository } from '../helpers/scene.ts';

// Where the record says that it pays, a mirror's refs are here by the time that git asks for something.

let bed: Bed;
let canonical: HttpServer;
let canonicalUrl: string;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/canonical', { commits: 200, tags: 4 });
  await copyEarlier(sandbox, 'served/canonical', 'earlier.git', 'main~20');
  await sandbox.git(['clone', '-q', 'earlier.git', 'earlier']);
  await addCommits(sandbox, 'served/canonical', 20);
  await sandbox.git(['update-ref', 'refs/notes/new', 'main'], { cwd: 'served/canonical' });
  await sandbox.git(['clone', '-q', 'served/canonical', 'level']);
  await cloneBare(sandbox, 'served/canonical', 'mirrors/fresh');
  await cloneBare(sandbox, 'earlier.git', 'mirrors/old');
  canonical = await startHttpServer({
    root: sandbox.path('served'),
    env: sandbox.serverEnv,
  });
  canonicalUrl = `${canonical.url}/canonical`;
});

afterAll(async () => {
  await canonical.close();
  await bed.close();
});

beforeEach(async () => {
  await bed.forgetMirrors();
  bed.mirrors.before = null;
  bed.mirrors.requests.length = 0;
  canonical.before = null;
});

const HIT: Observation = { kind: 'hit', share: 1, bytes: 0 };
const FIVE = Array.from({ length: 5 }, () => HIT);
const FAR: Observation = { kind: 'greeting', ms: 10_000 };

/** Has gam know canonical and a mirror at once. */
async function know(mirror: string, ...ofCanonical: Observation[]): Promise<void> {
  const seen = ofCanonical.map((one) => ({ url: canonicalUrl, seen: one }));
  await remember([{ url: mirror, seen: { kind: 'greeting', ms: 1 } }, ...seen], bed.sandbox.env);
}

/** Fetches in a fresh copy of a clone; what the user saw. */
async function fetchIn(clone: string, name: string, mirror: string, args: string[] = [], env = {}) {
  const { sandbox } = bed;
  await copyRepository(sandbox, clone, name);
  setOrigin(sandbox, name, { url: `mirror::${canonicalUrl}`, mirrorUrl: mirror });
  await sandbox.git(['config', 'gam.connectTimeout', '200s'], { cwd: name });
  const { stderr } = await sandbox.git(['fetch', ...args], { cwd: name, env });
  await expectNoChildren(sandbox);
  await expectClean(sandbox, name);
  await expectSameRefs(sandbox, name, 'served/canonical', asFetched);
  return stderr;
}

/** Canonical says nothing before the mirror has been asked for its refs. */
function holdCanonical(): void {
  const asked = new Promise<void>((resolve) => {
    bed.mirrors.before = async ({ method }) => {
      if (method === 'POST') resolve();
    };
  });
  canonical.before = () => asked;
}

const posts = () => bed.mirrors.requests.filter(({ method }) => method === 'POST').length;

test('the mirror is asked for its refs before canonical has said anything, and only once', async () => {
  const mirror = bed.mirror('fresh');
  await know(mirror, FAR, ...FIVE);
  holdCanonical();
  const stderr = await fetchIn('earlier', 'early', mirror);
  expect(stderr.match(/^gam: .*$/gm)).toEqual([
    expect.stringMatching(/^gam: fetching from /),
    expect.stringMatching(/^gam: .* saved\)$/),
  ]);
  expect(posts()).toBe(2);
});

test('what came of it is dropped without a word when git asks for nothing', async () => {
  const mirror = bed.mirror('fresh');
  await know(mirror, FAR, ...FIVE);
  holdCanonical();
  expect(await fetchIn('level', 'nothing', mirror)).toBe('');
  expect(posts()).toBe(1);
});

test.each([
  ['silent', async () => bed.mirror('fresh')],
  ['gone', async () => `http://127.0.0.1:${await closedPort()}/gone`],
])(
  'a mirror that is %s does not hold up a fetch with nothing new, and is not told of',
  async (state, url) => {
    const mirror = await url();
    await know(mirror, FAR, ...FIVE);
    bed.mirrors.before = () => new Promise<void>(() => undefined);
    const trace = bed.sandbox.path(`${state}-trace`);
    expect(await fetchIn('level', state, mirror, [], { GAM_TRACE: trace })).toBe('');
    expect(readFileSync(trace, 'utf8')).toContain('race-ahead');
  },
);

test('a mirror that fails is told of once where git asks for something, and canonical serves', async () => {
  const gone = `http://127.0.0.1:${await closedPort()}/gone`;
  await know(gone, FAR, ...FIVE);
  const stderr = await fetchIn('earlier', 'gone-and-new', gone);
  expect(stderr.match(/^gam: .*$/gm)).toEqual([expect.stringMatching(/^gam: passing over 127\.0\.0\.1:/)]);
});

test('a mirror that has nothing new is passed over for it, as ever', async () => {
  const mirror = bed.mirror('old');
  await know(mirror, FAR, ...FIVE);
  const stderr = await fetchIn('earlier', 'old', mirror);
  expect(stderr).toMatch(/^gam: passing over .*: has nothing new$/m);
  expect(posts()).toBeLessThan(3);
});

test('a fetch of other refs than the usual ones asks anew', async () => {
  const mirror = bed.mirror('fresh');
  await know(mirror, FAR, ...FIVE);
  const refspecs = ['origin', 'refs/notes/*:refs/notes/*', '+refs/heads/*:refs/remotes/origin/*'];
  const { sandbox } = bed;
  await copyRepository(sandbox, 'earlier', 'notes');
  setOrigin(sandbox, 'notes', { url: `mirror::${canonicalUrl}`, mirrorUrl: mirror });
  const { stderr } = await sandbox.git(['fetch', ...refspecs], { cwd: 'notes' });
  expect(stderr).toMatch(/^gam: .* saved\)$/m);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'notes');
  const tips = await sandbox.git(['rev-parse', 'refs/notes/new', 'refs/remotes/origin/main'], {
    cwd: 'notes',
  });
  expect(new Set(tips.stdout.trim().split('\n')).size).toBe(1);
});

test.each<[string, Observation[]]>([
  ['nothing is remembered', []],
  ['canonical is as near', [{ kind: 'greeting', ms: 1 }, ...FIVE]],
  ['fetches often find nothing', [FAR, ...FIVE.slice(1), { kind: 'miss' }, HIT]],
])('where %s, a fetch with nothing new leaves the mirror alone', async (why, ofCanonical) => {
  const mirror = bed.mirror('fresh');
  if (ofCanonical.length > 0) await know(mirror, ...ofCanonical);
  expect(await fetchIn('level', `left-alone ${why}`, mirror)).toBe('');
  expect(bed.mirrors.requests).toEqual([]);
});

test.runIf(process.platform === 'linux')(
  'where nothing is remembered, what leads to the mirror is started meanwhile, and contacts nobody',
  async () => {
    const mirror = bed.mirror('fresh');
    const isStarted = () => bed.sandbox.living().some(({ command }) => command.includes(mirror));
    let requests: number | null = null;
    canonical.before = async () => {
      if (requests !== null) return;
      await vi.waitUntil(isStarted, { timeout: 30_000 });
      requests = bed.mirrors.requests.length;
    };
    const stderr = await fetchIn('earlier', 'started', mirror);
    expect(requests).toBe(0);
    expect(stderr).toMatch(/^gam: .* saved\)$/m);
  },
);

test('where the last fetch found nothing, it is not', async () => {
  const mirror = bed.mirror('fresh');
  await know(mirror, FAR, HIT, { kind: 'miss' });
  const trace = bed.sandbox.path('unready-trace');
  await fetchIn('level', 'unready', mirror, [], { GAM_TRACE: trace });
  expect(readFileSync(trace, 'utf8')).toContain('remembered');
  expect(readFileSync(trace, 'utf8')).not.toContain('mirror-ready');
});

test('a clone tells nothing of how often there is something new', async () => {
  const { sandbox } = bed;
  const mirror = bed.mirror('fresh');
  await know(mirror, FAR);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const config = `remote.origin.mirrorUrl=${mirror}`;
    await sandbox.git(['clone', '-q', '-c', config, `mirror::${canonicalUrl}`, `cloned-${name}`]);
  }
  await know(mirror, FAR);
  bed.mirrors.requests.length = 0;
  expect(await fetchIn('level', 'after-clones', mirror)).toBe('');
  expect(bed.mirrors.requests).toEqual([]);
});
