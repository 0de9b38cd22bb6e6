import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import type { Line } from '../helpers/line.ts';
import { seededRandom } from '../helpers/random.ts';
import { asFetched } from '../helpers/refs.ts';
import { cloneBare, generateHistory } from '../helpers/repository.ts';

// SIGKILL for `gam clone`, again and again, and the same command run again each time: it comes to an end, and what came
// before is not asked for anew.

const KILLS = 6;

/** Bits per second: so few that a kill hits near the byte that it is meant for, also when little is left. */
const RATE = 2.5e6;

let bed: Bed;
/** The bytes of a clone that nothing breaks, and those of its pack alone. */
let uninterrupted: number;
let pack: number;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'canonical', { commits: 800, tags: 32, blobSize: 8000 });
  await cloneBare(bed.sandbox, 'canonical', 'mirrors/fresh');
  const line = await bed.line();
  await bed.sandbox.run('gam', words('uninterrupted', line, 'never'));
  uninterrupted = line.bytesDown;
  pack = bed.packs.sentFrom('mirrors');
});

beforeEach(() => rm(bed.sandbox.path('home/.cache'), { recursive: true, force: true }));

afterAll(() => bed.close());

function words(to: string, { port }: Line, checkpoints = 'always'): string[] {
  const mirror = `remote.origin.mirrorUrl=http://127.0.0.1:${port}/fresh`;
  const config = [mirror, `gam.checkpoints=${checkpoints}`, 'gam.raceDelay=100s', 'gam.lowSpeedTime=100s'];
  return ['clone', ...config.flatMap((setting) => ['-c', setting]), bed.sandbox.path('canonical'), to];
}

/** The bytes of packs that are kept aside. */
function keptBytes(): number {
  const root = bed.sandbox.path('home/.cache/gam/clones');
  const records = (existsSync(root) ? readdirSync(root) : []).map((name) => `${root}/${name}/kept.json`);
  return records
    .filter((path) => existsSync(path))
    .reduce((sum, path) => sum + JSON.parse(readFileSync(path, 'utf8')).bytes, 0);
}

test('time and again at random moments, now with all that it has started, now alone', async () => {
  const { sandbox } = bed;
  const seed = Number(process.env['GAM_TEST_SEED'] ?? 2);
  const random = seededRandom(seed);
  const line = await bed.line({ download: RATE });
  bed.packs.forget();
  const rounds: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const kept = keptBytes();
    const after = Math.round(0.5 * random() * Math.max(0, pack - kept));
    const running = sandbox.start('gam', words('killed', line));
    await Promise.race([line.reached(line.bytesDown + after), running.ended]);
    if (kill % 2 === 0) running.kill('SIGKILL');
    else running.child.kill('SIGKILL');
    const { signal, stderr } = await running.ended;
    await expectNoChildren(sandbox);
    rounds.push(`seed ${seed}: ${kept} bytes kept, killed after ${after}, ${line.bytesDown} in all`);
    expect(signal, [...rounds, stderr].join('\n')).toBe('SIGKILL');
  }
  await sandbox.run('gam', words('killed', line));
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'killed');
  await expectSameRefs(sandbox, 'killed', 'canonical', asFetched);
  expect(keptBytes()).toBe(0);
  const all = line.bytesDown + bed.packs.sentFrom('canonical');
  expect(all, `${rounds.join('\n')}\n${uninterrupted} uninterrupted`).toBeLessThan(1.5 * uninterrupted);
});

test('killed alone, git does not go on without it', async () => {
  const { sandbox } = bed;
  const after = Math.round(0.6 * uninterrupted);
  const silent = await bed.line({ fault: { kind: 'stall', after } });
  const running = sandbox.start('gam', words('alone', silent));
  await Promise.race([silent.reached(after), running.ended]);
  running.child.kill('SIGKILL');
  await running.ended;
  await expectNoChildren(sandbox);
  expect(existsSync(sandbox.path('alone'))).toBe(false);
  expect(keptBytes()).toBeGreaterThan(0);
});
