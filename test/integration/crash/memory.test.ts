import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeBundle } from '../../helpers/bundles.ts';
import { leftovers } from '../../helpers/evidence.ts';
import { startHttpServer } from '../../helpers/http-server.ts';
import { watched } from '../../helpers/moments.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// What passes through the helper must not stay in it: its memory is the same for a clone of any size.

const BLOBS = 48;
const BLOB_SIZE = 2 << 20;
const LIMIT_KIB = 80 * 1024;

let sandbox: Sandbox;

beforeEach(() => {
  sandbox = makeSandbox();
});
afterEach(() => sandbox.close());

function* randomHistory(): Generator<Buffer> {
  const person = 'committer Mia <mia@example.com> 1500000000 +0000\n';
  yield Buffer.from(`commit refs/heads/main\n${person}data 1\nx\n`);
  for (let index = 0; index < BLOBS; index += 1) {
    yield Buffer.from(`M 100644 inline ${index}\ndata ${BLOB_SIZE}\n`);
    yield randomBytes(BLOB_SIZE);
    yield Buffer.from('\n');
  }
}

/** The most memory, in KiB, that a helper of one clone had. */
async function peakOf(name: string, args: readonly string[], told: RegExp): Promise<number> {
  const peak = sandbox.path('peak');
  await rm(peak, { force: true });
  const env = { ...watched(sandbox), GAM_TEST_PEAK: peak };
  const { stderr } = await sandbox.git(['clone', ...args, name], { env });
  expect(stderr).toMatch(told);
  // The sweeper outlives git by a moment, and is at work in there.
  expect(await leftovers(sandbox, name)).toEqual([]);
  await rm(sandbox.path(name), { recursive: true });
  const sizes = readFileSync(peak, 'utf8').matchAll(/^helper ([0-9]+)$/gm);
  return Math.max(...[...sizes].map(([, size]) => Number(size)));
}

test.skipIf(process.platform !== 'linux')('the helper of a clone of 96 MiB keeps under 80 MiB', async () => {
  const repository = await initBare(sandbox, 'served/canonical.git');
  // Random bytes neither compress nor resemble one another; git need not try.
  for (const [key, value] of [
    ['core.compression', '0'],
    ['pack.compression', '0'],
    ['core.bigFileThreshold', '1m'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
  ] as const) {
    await sandbox.git(['config', key, value], { cwd: 'served/canonical.git' });
  }
  const importer = spawn('git', ['-C', repository, 'fast-import', '--quiet'], {
    env: { ...sandbox.env },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  await Promise.all([once(importer, 'close'), pipeline(Readable.from(randomHistory()), importer.stdin)]);
  symlinkSync('canonical.git', sandbox.path('served/mirror.git'));
  await makeBundle(sandbox, 'served/canonical.git', 'files/mirror.bundle');
  const server = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
  const files = await startHttpServer({
    root: sandbox.path('files'),
    env: sandbox.serverEnv,
    speaks: 'dumb',
  });
  try {
    for (const [name, mirror, ...more] of [
      ['file', sandbox.path('served/mirror.git')],
      ['http', `${server.url}/mirror.git`],
      ['bundle', `${files.url}/mirror.bundle`],
      ['shallow', `${server.url}/mirror.git`, '--depth=1'],
      ['none', sandbox.path('nowhere')],
    ] as const) {
      const args = ['--bare', ...more, '-c', `remote.origin.mirrorUrl=${mirror}`, `mirror::${repository}`];
      const told = name === 'none' ? /passing over/ : /9[0-9]\.[0-9] MiB from .*\(99 % saved\)/;
      // What the collector leaves lying on a busy machine differs from run to run; what stays, stays in each.
      let peak = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 3 && peak >= LIMIT_KIB; run += 1) peak = await peakOf(name, args, told);
      expect(peak).toBeGreaterThan(20 * 1024);
      expect(peak).toBeLessThan(LIMIT_KIB);
    }
  } finally {
    await files.close();
    await server.close();
  }
});
