import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Measure } from '../../src/mirror/measure.ts';
import { recall } from '../../src/state/measures.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type Line, openLine } from '../helpers/line.ts';
import { asFetched } from '../helpers/refs.ts';
import { generateHistory, setOrigin } from '../helpers/repository.ts';
import { expectFetched, type Scene, setScene } from '../helpers/scene.ts';

// A mirror that turns out far slower than another is known to be is left, and that other one goes on.

/** Bits a second of a thin line: the pack takes some stretches of patience over it. */
const THIN = 960_000;
const BULK = 350_000;

let scene: Scene;
let lines: Line[];

beforeAll(async () => {
  scene = await setScene({ transport: 'http', ahead: 0, bulk: BULK });
});
beforeEach(async () => {
  lines = [];
  await rm(scene.sandbox.path('home/.local/state'), { recursive: true, force: true });
});
afterEach(async () => {
  for (const line of lines) await line.close();
});
afterAll(() => scene.close());

/** The mirror behind a line of its own: another mirror, for gam. */
async function mirrorBehind({
  repository = 'mirror.git',
  ...options
}: {
  download?: number;
  repository?: string;
} = {}) {
  const line = await openLine({ to: scene.server.port, ...options });
  lines.push(line);
  return { line, host: `127.0.0.1:${line.port}`, url: `http://127.0.0.1:${line.port}/${repository}` };
}

type Place = Awaited<ReturnType<typeof mirrorBehind>>;

function known({ url }: Place): Measure | null {
  const mirror = { url, source: 'config' as const, preferred: false, site: '', refusal: null };
  return recall(scene.sandbox.env)(mirror).own;
}

function rateOf(place: Place): number {
  const { bytes, ms } = known(place)?.rate ?? { bytes: 0, ms: 0 };
  return bytes / ms;
}

/** Settings that have `first` tried first, whatever is remembered, and the others one after the other. */
function inTurn(first: Place, ...others: Place[]): string[] {
  const settings = [
    `remote.origin.preferredMirror=${first.url}`,
    ...others.map(({ url }) => `remote.origin.mirrorUrl=${url}`),
    'gam.lowSpeedTime=1s',
    'gam.raceDelay=100s',
  ];
  return settings.flatMap((setting) => ['-c', setting]);
}

/** Has a mirror show how fast it is. */
async function teach(mirror: Place, name: string): Promise<void> {
  const clone = await copyOf(name);
  await scene.sandbox.git(['-c', `remote.origin.mirrorUrl=${mirror.url}`, 'fetch', '-q'], { cwd: clone });
  expect(known(mirror)?.rate.bytes).toBeGreaterThan(BULK);
}

async function copyOf(name: string): Promise<string> {
  const clone = await scene.copy(name);
  setOrigin(scene.sandbox, clone, { mirrorUrl: [] });
  return clone;
}

const left = (slow: Place, fast: Place) =>
  new RegExp(
    `^gam: passing over ${slow.host}: far slower than ${fast.host} is known to be \\([0-9.]+ KiB/s, [0-9.]+ [KM]iB/s\\)$`,
    'm',
  );

test('a fetch leaves it, and remembers how slow it was, and no failure', async () => {
  const [thin, wide] = [await mirrorBehind({ download: THIN }), await mirrorBehind()];
  await teach(wide, 'teach-fetch');
  const clone = await copyOf('fetch');
  const { stderr } = await scene.sandbox.git([...inTurn(thin, wide), 'fetch'], { cwd: clone });
  expect(stderr).toMatch(left(thin, wide));
  expect(stderr).toMatch(new RegExp(`^gam: fetching from ${wide.host} `, 'm'));
  expect(thin.line.bytesDown).toBeLessThan(BULK);
  await expectFetched(scene, clone);
  expect(known(thin)?.failures).toBe(0);
  expect(rateOf(thin)).toBeLessThan(rateOf(wide) / 4);
  // So it goes last from now on, unless it is preferred.
  const next = await copyOf('next');
  const settings = [thin, wide].flatMap(({ url }) => ['-c', `remote.origin.mirrorUrl=${url}`]);
  const again = await scene.sandbox.git([...settings, 'fetch'], { cwd: next });
  expect(again.stderr).toMatch(new RegExp(`^gam: fetching from ${wide.host} `, 'm'));
});

test('a clone leaves it in its head start, and keeps what was connected', async () => {
  const { sandbox, server } = scene;
  await generateHistory(sandbox, 'served/long.git', { commits: 800, tags: 32, blobSize: 4000 });
  const [thin, wide] = [
    await mirrorBehind({ download: THIN, repository: 'long.git' }),
    await mirrorBehind({ repository: 'long.git' }),
  ];
  const url = `mirror::${server.url}/long.git`;
  await sandbox.git(['clone', '-q', '-c', `remote.origin.mirrorUrl=${wide.url}`, url, 'whole']);
  const before = wide.line.bytesDown;

  const args = [...inTurn(thin, wide), '-c', 'gam.lowSpeedTime=2s', '-c', 'gam.checkpoints=always', url];
  const { stderr } = await sandbox.git(['clone', ...args, 'long']);
  expect(stderr).toMatch(left(thin, wide));
  expect(stderr).toMatch(
    new RegExp(`^gam: .* from ${thin.host}, .* from ${wide.host}, .* from canonical `, 'm'),
  );
  expect(wide.line.bytesDown - before).toBeLessThan(0.95 * before);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'long');
  await expectSameRefs(sandbox, 'long', 'served/long.git', asFetched);
});

test('a shallow clone leaves it, too', async () => {
  const [thin, wide] = [await mirrorBehind({ download: THIN }), await mirrorBehind()];
  await teach(wide, 'teach-shallow');
  const { sandbox, canonical } = scene;
  const args = [...inTurn(thin, wide), '--depth=1', `mirror::${canonical}`, 'shallow'];
  const { stderr } = await sandbox.git(['clone', ...args]);
  expect(stderr).toMatch(left(thin, wide));
  expect(stderr).toMatch(new RegExp(`^gam: .* from ${wide.host}, .* from canonical `, 'm'));
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'shallow');
  expect(known(thin)?.failures).toBe(0);
});

test('where the faster one is gone it serves after all, and is not left again', async () => {
  const [thin, wide] = [await mirrorBehind({ download: THIN }), await mirrorBehind()];
  await teach(wide, 'teach-gone');
  wide.line.setFault({ kind: 'reset' });
  const clone = await copyOf('gone');
  const { stderr } = await scene.sandbox.git([...inTurn(thin, wide), 'fetch'], { cwd: clone });
  expect(stderr.match(/^gam: passing over .*$/gm)).toHaveLength(2);
  expect(stderr).toMatch(left(thin, wide));
  expect(stderr).toMatch(new RegExp(`^gam: passing over ${wide.host}: `, 'm'));
  expect(stderr).toMatch(
    new RegExp(`^gam: .* from ${thin.host}, .* from canonical \\(9\\d % saved\\)$`, 'm'),
  );
  await expectFetched(scene, clone);
});

test('it is kept where nothing is known of the others, or nobody else is there', async () => {
  const [thin, stranger] = [await mirrorBehind({ download: THIN }), await mirrorBehind()];
  for (const others of [[stranger], []]) {
    const clone = await copyOf(`kept-${others.length}`);
    const { stderr } = await scene.sandbox.git([...inTurn(thin, ...others), 'fetch'], { cwd: clone });
    expect(stderr).not.toContain('passing over');
    expect(stderr).toMatch(new RegExp(`^gam: .* from ${thin.host}, .* from canonical `, 'm'));
    await expectFetched(scene, clone);
  }
  expect(stranger.line.connections).toBe(0);
});
