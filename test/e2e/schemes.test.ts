import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { logPacks, type PackLog } from '../helpers/pack-log.ts';
import { makePair } from '../helpers/pair.ts';
import { openPlace, type Place, type Scheme } from '../helpers/place.ts';
import { copyEarlier, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

const CANONICAL: readonly Scheme[] = ['http', 'ssh', 'git', 'file', 'path'];
const MIRRORS: readonly Scheme[] = ['http', 'ssh', 'git', 'file'];

let sandbox: Sandbox;
let packs: PackLog;
/** Bytes of a pack of everything; a plain clone of a path copies files instead. */
let whole: number;
const mirrors = new Map<Scheme, Place>();

beforeAll(async () => {
  sandbox = makeSandbox();
  // git before 2.26 speaks version 0 unless it is told.
  await sandbox.git(['config', '--global', 'protocol.version', '2']);
  packs = await logPacks(sandbox);
  await generateHistory(sandbox, 'mirrors/fresh', { commits: 200 });
  await copyEarlier(sandbox, 'mirrors/fresh', 'mirrors/stale', 'main~30');
  await sandbox.git(['clone', '-q', 'mirrors/stale', 'earlier']);
  await sandbox.git(['clone', '-q', '--no-local', 'mirrors/fresh', 'whole']);
  whole = packs.sentFrom('mirrors/fresh');
  for (const scheme of MIRRORS) mirrors.set(scheme, await openPlace(sandbox, scheme, 'mirrors'));
});

afterAll(async () => {
  for (const place of mirrors.values()) await place.close();
  await sandbox.close();
});

describe.each(CANONICAL)('canonical by %s', (canonical) => {
  test.each(MIRRORS)('mirror by %s: clone with a stale one, fetch with a fresh one', async (scheme) => {
    const mirror = mirrors.get(scheme) as Place;
    const name = `${canonical}-${scheme}`;
    const pair = await makePair(sandbox, 'mirrors/fresh', canonical, name, [mirror]);
    onTestFinished(() => pair.close());
    const sent = () => ({
      plain: packs.sentFrom(pair.plain.place.folder),
      canonical: packs.sentFrom(pair.gam.place.folder),
      mirror: packs.sentFrom('mirrors'),
    });

    packs.forget();
    await pair.git(({ url }) => [
      'clone',
      '-c',
      `remote.origin.mirrorUrl=${mirror.url('stale')}`,
      url,
      'cloned',
    ]);
    await pair.expectAlike('cloned');
    expect(sent().mirror).toBeGreaterThan(0.7 * whole);
    expect(sent().canonical).toBeLessThan(0.3 * whole);

    await pair.both(async ({ cwd, url }) => {
      cpSync(sandbox.path('earlier'), sandbox.path(cwd, 'fetched'), { recursive: true });
      await sandbox.git(['remote', 'set-url', 'origin', url], { cwd: `${cwd}/fetched` });
    });
    packs.forget();
    const config = `remote.origin.mirrorUrl=${mirror.url('fresh')}`;
    await pair.git(() => ['-c', config, 'fetch'], { cwd: 'fetched' });
    await pair.expectAlike('fetched');
    const fetched = sent();
    expect(fetched.plain).toBeGreaterThan(0);
    expect(fetched.mirror).toBeGreaterThan(0.9 * fetched.plain);
    expect(fetched.canonical).toBeLessThan(100);
  });
});
