// What a bundle near by saves a clone, beside plain git and git's own --bundle-uri; each in turn, so that a busy
// machine is as busy for all. Usage: node --import tsx test/bench/bundles.ts [<rounds>]
import { rm } from 'node:fs/promises';
import { makeBundle } from '../helpers/bundles.ts';
import { leftovers } from '../helpers/evidence.ts';
import { startHttpServer } from '../helpers/http-server.ts';
import { openLine } from '../helpers/line.ts';
import { generateHistory } from '../helpers/repository.ts';
import { makeSandbox } from '../helpers/sandbox.ts';

const MEGABIT = 1e6;
/** Milliseconds one way, and bits per second. */
const FAR = { latency: 50, upload: 20 * MEGABIT, download: 20 * MEGABIT };
const NEAR = { latency: 2.5, upload: 400 * MEGABIT, download: 400 * MEGABIT };
const SHAPE = { commits: 20_000, files: 200, blobSize: 2200, tags: 40, branches: 8 };

const rounds = Number(process.argv[2] ?? 5);
const sandbox = makeSandbox();
await sandbox.git(['config', '--global', 'protocol.version', '2']);
await generateHistory(sandbox, 'served/repo', SHAPE);
await sandbox.git(['repack', '-a', '-d', '-q'], { cwd: 'served/repo' });
await makeBundle(sandbox, 'served/repo', 'files/repo.bundle');
const canonical = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
const files = await startHttpServer({ root: sandbox.path('files'), env: sandbox.serverEnv, speaks: 'dumb' });
const far = await openLine({ to: canonical.port, ...FAR });
const near = await openLine({ to: files.port, ...NEAR });
const mirror = await openLine({ to: canonical.port, ...NEAR });

const at = ({ port }: { port: number }, name: string) => `http://127.0.0.1:${port}/${name}`;
const url = at(far, 'repo');
const bundle = at(near, 'repo.bundle');
const ways = [
  { name: 'plain', args: [url] },
  { name: 'gam, bundle', args: ['-c', `remote.origin.mirrorUrl=${bundle}`, `mirror::${url}`] },
  { name: 'git --bundle-uri', args: [`--bundle-uri=${bundle}`, url] },
  {
    name: 'gam, git mirror',
    args: ['-c', `remote.origin.mirrorUrl=${at(mirror, 'repo')}`, `mirror::${url}`],
  },
].map((way) => ({ ...way, times: [] as number[], bytes: 0 }));

for (let round = 0; round < rounds; round += 1) {
  for (const way of ways) {
    const before = far.bytesDown;
    const started = performance.now();
    await sandbox.git(['clone', '-q', '--bare', ...way.args, 'out'], { timeout: 100_000 });
    way.times.push(performance.now() - started);
    way.bytes = far.bytesDown - before;
    await leftovers(sandbox, 'out');
    await rm(sandbox.path('out'), { recursive: true, maxRetries: 5 });
  }
}
const { stdout: version } = await sandbox.git(['version']);
console.log(`${version.trim()}, node ${process.version}, ${rounds} rounds; medians`);
for (const { name, times, bytes } of ways) {
  const sorted = [...times].sort((a, b) => a - b).map((time) => (time / 1000).toFixed(2));
  console.log(
    `${name.padEnd(18)} ${sorted[rounds >> 1]} s  (${sorted.join(' ')}), ${bytes} bytes from canonical`,
  );
}
await Promise.all([far, near, mirror, canonical, files].map((one) => one.close()));
await sandbox.close();
