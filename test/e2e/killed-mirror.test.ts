import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type Line, openLine } from '../helpers/line.ts';
import { asFetched } from '../helpers/refs.ts';
import { cloneBare, initBare } from '../helpers/repository.ts';

// A mirror is killed in the middle of a clone that comes in parts.

const TAGS = 40;

/** Bytes of a file that is new with each tag; it compresses to nothing less. */
const BULK = 220_000;

/** Slow enough to be cut where it should be: milliseconds one way, bits per second. */
const FAR = { latency: 10, download: 80e6 };

let bed: Bed;
/** The bytes of a clone that nothing breaks, over the same line. */
let uninterrupted: number;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await initBare(bed.sandbox, 'canonical');
  await bed.sandbox.git(['fast-import', '--quiet', '--date-format=raw'], {
    cwd: 'canonical',
    input: history(),
  });
  await cloneBare(bed.sandbox, 'canonical', 'mirrors/fresh');
  const line = await lineTo();
  await clone('uninterrupted', [line]);
  uninterrupted = line.bytesDown + bed.packs.sentFrom('canonical');
  expect(uninterrupted).toBeGreaterThan(TAGS * BULK);
});

afterAll(() => bed.close());

function history(): Buffer {
  return Buffer.concat(
    Array.from({ length: TAGS }, (_, index) => index + 1).flatMap((number) => [
      Buffer.from(
        `commit refs/heads/main\ncommitter Mia <mia@example.com> ${1_500_000_000 + number} +0000\n`,
      ),
      Buffer.from(`data 0\nM 100644 inline file-${number % 9}\ndata ${BULK}\n`),
      randomBytes(BULK),
      Buffer.from(`\nreset refs/tags/v${number}\nfrom refs/heads/main\n\n`),
    ]),
  );
}

async function lineTo(): Promise<Line> {
  return openLine({ to: bed.mirrors.port, ...FAR });
}

async function clone(to: string, lines: readonly Line[]): Promise<string> {
  const { sandbox } = bed;
  const mirrors = lines.map(({ port }) => `remote.origin.mirrorUrl=http://127.0.0.1:${port}/fresh`);
  const config = [...mirrors, 'gam.checkpoints=always', 'gam.connectTimeout=100s', 'gam.lowSpeedTime=100s'];
  const args = config.flatMap((setting) => ['-c', setting]);
  bed.packs.forget();
  const { stderr } = await sandbox.git(['clone', ...args, `mirror::${sandbox.path('canonical')}`, to]);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, to);
  await expectSameRefs(sandbox, to, 'canonical', asFetched);
  for (const line of lines) await line.close();
  await bed.forgetMirrors();
  return stderr;
}

test.each([
  [10, 5],
  [50, 2],
  [57, 1],
  [90, 3],
])('at %d percent of the bytes, of %d: whoever is left goes on', async (percent, count) => {
  const lines = await Promise.all(Array.from({ length: count }, lineTo));
  onTestFinished(async () => {
    for (const line of lines) await line.close();
  });
  // Which one wins the race is nobody's to say; the first that has sent so much dies.
  const share = (percent / 100) * uninterrupted;
  const end = Promise.race(lines.map((line) => line.reached(share).then(() => line))).then((line) =>
    line.close(),
  );
  const stderr = await clone(`at-${percent}-of-${count}`, lines);
  await end;
  expect(stderr).toMatch(/^gam: passing over 127\.0\.0\.1:/m);
  const fromMirrors = lines.reduce((sum, line) => sum + line.bytesDown, 0);
  const fromCanonical = bed.packs.sentFrom('canonical');
  expect(fromMirrors + fromCanonical).toBeLessThan(1.25 * uninterrupted);
  if (count > 1) expect(fromCanonical).toBeLessThan(0.01 * uninterrupted);
});
