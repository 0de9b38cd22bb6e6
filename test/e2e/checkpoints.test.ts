import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import type { Line } from '../helpers/line.ts';
import type { Fault } from '../helpers/line-fault.ts';
import { asFetched } from '../helpers/refs.ts';
import { cloneBare, generateHistory } from '../helpers/repository.ts';

// A mirror that dies in the middle costs no more than the part that was on its way.

let bed: Bed;
/** The bytes of a clone that nothing breaks. */
let uninterrupted: number;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'canonical', { commits: 800, tags: 32, blobSize: 4000 });
  await cloneBare(bed.sandbox, 'canonical', 'mirrors/fresh');
  const line = await bed.line();
  await clone('uninterrupted', [line], 'never');
  uninterrupted = line.bytesDown;
});

afterAll(() => bed.close());

async function clone(
  to: string,
  lines: readonly Line[],
  checkpoints: string,
  repository = 'fresh',
): Promise<string> {
  const { sandbox } = bed;
  const source = repository === 'fresh' ? 'canonical' : `mirrors/${repository}`;
  const mirrors = lines.map(({ port }) => `remote.origin.mirrorUrl=http://127.0.0.1:${port}/${repository}`);
  // One after the other: the second one is for when the first is dead.
  const config = [
    ...mirrors,
    `gam.checkpoints=${checkpoints}`,
    'gam.raceDelay=100s',
    'gam.connectTimeout=500s',
  ];
  const args = config.flatMap((setting) => ['-c', setting]);
  const { stderr } = await sandbox.git(['clone', ...args, `mirror::${sandbox.path(source)}`, to]);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, to);
  await expectSameRefs(sandbox, to, source, asFetched);
  return stderr;
}

test.each([0.1, 0.5, 0.9])('a mirror dies after %d of the bytes: the next one goes on', async (share) => {
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(share * uninterrupted) } });
  const next = await bed.line();
  const stderr = await clone(`dies-${share}`, [dying, next], 'always');
  expect(stderr).toMatch(/^gam: passing over /m);
  expect(dying.bytesDown + next.bytesDown).toBeLessThan(1.25 * uninterrupted);
  // The account names both.
  expect(stderr).toMatch(
    /^gam: .* from 127\.0\.0\.1:.* from 127\.0\.0\.1:.* from canonical \(9\d % saved\)$/m,
  );
});

test('the last mirror dies: what came is kept, and canonical sends the rest', async () => {
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(0.7 * uninterrupted) } });
  bed.packs.forget();
  const stderr = await clone('last-dies', [dying], 'always');
  expect(stderr).toMatch(/^gam: .* from 127\.0\.0\.1:.* from canonical \([4567]\d % saved\)$/m);
  expect(bed.packs.sentFrom('canonical')).toBeLessThan(0.6 * uninterrupted);
});

test('a fetch that is large enough goes on in the same way', async () => {
  const { sandbox } = bed;
  // By a URL: from a path git would link all objects, and there would be nothing to fetch.
  const url = `file://${sandbox.path('canonical')}`;
  await sandbox.git(['clone', '-q', '--single-branch', '--branch', 'v2', url, 'old']);
  await sandbox.git(['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'], { cwd: 'old' });
  await sandbox.git(['config', 'remote.origin.tagOpt', '--tags'], { cwd: 'old' });
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(0.6 * uninterrupted) } });
  const next = await bed.line();
  const mirrors = [dying, next].map(({ port }) => `remote.origin.mirrorUrl=http://127.0.0.1:${port}/fresh`);
  const config = [...mirrors, 'gam.checkpoints=always', 'gam.raceDelay=100s', 'gam.connectTimeout=500s'];
  const args = config.flatMap((setting) => ['-c', setting]);
  await sandbox.git(['config', 'remote.origin.url', `mirror::${sandbox.path('canonical')}`], { cwd: 'old' });
  const { stderr } = await sandbox.git([...args, 'fetch'], { cwd: 'old' });
  expect(stderr).toMatch(/^gam: passing over /m);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'old');
  await expectSameRefs(sandbox, 'old', 'canonical', asFetched);
  expect(dying.bytesDown + next.bytesDown).toBeLessThan(1.25 * uninterrupted);
});

test('a thin line is left for one that brings parts, however near its mirror is', async () => {
  await generateHistory(bed.sandbox, 'mirrors/large', { commits: 4000, tags: 32, blobSize: 200 });
  const whole = await bed.line();
  await clone('large', [whole], 'auto', 'large');
  // 200 kB a second until it is left; what comes then comes fast, and breaks off at 60 % of it.
  const thin: Fault = { kind: 'drip', every: 0.005 };
  const broken: Fault = { kind: 'cut', after: Math.round(0.6 * whole.bytesDown) };
  const dying = await bed.line({ fault: (connection) => (connection === 1 ? thin : broken) });
  const next = await bed.line();
  const stderr = await clone('thin', [dying, next], 'auto', 'large');
  expect(stderr.match(/^gam: passing over .*/gm)).toHaveLength(1);
  expect(stderr).toMatch(
    /^gam: .* from 127\.0\.0\.1:.* from 127\.0\.0\.1:.* from canonical \(9\d % saved\)$/m,
  );
  // What comes in the three seconds until it is left, and while the line is closed.
  const untilLeft = 4 * 200_000;
  expect(dying.bytesDown + next.bytesDown).toBeLessThan(1.25 * whole.bytesDown + untilLeft);
});
