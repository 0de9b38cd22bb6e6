import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isPublicAddress } from '../../../src/protocol/public-address.ts';
import { type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';
import { fakeSsh } from '../../helpers/fake-ssh.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

// Mirrors are named by public addresses, so that DNS is asked for nothing; and nobody is contacted there, since the ssh
// that git is given logs in here.

const [AMSTERDAM, SAO_PAULO, TOKYO] = ['193.0.6.139', '200.160.2.3', '133.11.0.1'];

interface Listed {
  url: string;
  location: string | null;
  distanceKm: number | null;
  rank: number | null;
}

let desk: Desk;
let repo: string;
beforeEach(async () => {
  desk = makeDesk();
  desk.env['TZ'] = 'UTC';
  repo = await makeRepository(desk, 'r', 'https://canonical.example/r.git');
});
afterEach(() => desk.remove());

/** A machine with one is where that is, whatever its time zone. */
const ownPublicAddress = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .some(({ internal, address }) => !internal && isPublicAddress(address));

const kept = () => join(desk.home, '.local/state/gam/measures.json');

async function add(url: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await desk.gam(['mirrors', 'add', url, ...args], repo);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout;
}

async function list(): Promise<Listed[]> {
  const { stdout, stderr } = await desk.gam(['mirrors', 'list', '--json'], repo);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Listed[];
}

describe('gam mirrors add', () => {
  test('says how far a mirror is, and the list is in that order, whatever was added first', async () => {
    await desk.git(['config', 'gam.location', 'DE'], repo);
    expect(await add(`https://${SAO_PAULO}/r.git`)).toMatch(/^ {2}some 9\d00 km from here$/m);
    await add(`ssh://git@${TOKYO}/r.git`);
    await add('https://unknown.example/r.git');
    expect(await add(`https://${AMSTERDAM}:8443/r.git`)).toMatch(/^ {2}some \d{3} km from here$/m);
    const all = await list();
    expect(all.map(({ url }) => new URL(url).hostname)).toEqual([
      AMSTERDAM,
      'unknown.example',
      TOKYO,
      SAO_PAULO,
    ]);
    expect(all[0]?.location).toMatch(/^52\.\d+,4\.\d+$/);
    expect(all[1]).toMatchObject({ location: null, distanceKm: null });
    // The same list from elsewhere.
    await desk.git(['config', 'gam.location', '35.7,139.7'], repo);
    expect(new URL((await list())[0]?.url ?? '').hostname).toBe(TOKYO);
    const { stdout } = await desk.gam(['mirrors', 'list'], repo);
    expect(stdout).toMatch(/^RANK +REMOTE +STATE +DISTANCE .*\n1 .* [0-9.]+ km .*133\.11\.0\.1/);
  });

  test.skipIf(!existsSync('/usr/share/zoneinfo/zone.tab') || ownPublicAddress)(
    'without gam.location goes by the time zone, and remembers that for fetches elsewhere',
    async () => {
      desk.env['TZ'] = 'Asia/Tokyo';
      expect(await add(`https://${TOKYO}/r.git`)).toMatch(/^ {2}some \d(?:\.\d)? km from here$/m);
      desk.env['TZ'] = 'UTC';
      expect((await list())[0]?.distanceKm).toBeLessThan(20);
    },
  );

  test('adds all the same where nothing tells of a place', async () => {
    await desk.git(['config', 'gam.location', 'DE'], repo);
    for (const url of ['http://127.0.0.1:9/r.git', 'https://[fd12::1]/r', 'git@build-host:r', desk.home])
      expect(await add(url)).not.toMatch(/km/);
    // No data, and damaged data.
    desk.env['GEODATADIR'] = join(desk.top, 'nowhere');
    expect(await add(`https://${AMSTERDAM}/r.git`)).not.toMatch(/km/);
    desk.env['GEODATADIR'] = desk.top;
    for (const name of ['city-names', 'city', 'city6', 'country', 'country6'])
      writeFileSync(join(desk.top, `geoip-${name}.dat`), 'damaged');
    expect(await add(`https://${TOKYO}/r.git`)).not.toMatch(/km/);
    expect((await list()).map(({ location }) => location)).toEqual([null, null, null, null, null, null]);
    expect(existsSync(kept())).toBe(false);
  });

  test('keeps no login, nor where a host is that must not be a mirror', async () => {
    await add(`ssh://someone@${AMSTERDAM}/r.git?token=hunter2`);
    await desk.gam(['mirrors', 'add', `https://me:hunter2@${TOKYO}/r.git`], repo);
    const text = readFileSync(kept(), 'utf8');
    expect(text).toContain(AMSTERDAM);
    expect(text).not.toMatch(/hunter2|someone|133\.11/);
  });

  test('warns of a location that is none, naming it', async () => {
    await desk.git(['config', 'gam.location', 'Berlin'], repo);
    const added = await desk.gam(['mirrors', 'add', 'https://unknown.example/r.git'], repo);
    const listed = await desk.gam(['mirrors', 'list'], repo);
    for (const { status, stdout, stderr } of [added, listed]) {
      expect(status).toBe(0);
      expect(stdout).toContain('unknown.example');
      expect(stderr).toBe('gam: cannot read gam.location=Berlin; using the default\n');
    }
  });
});

describe('gam mirrors check', () => {
  test('finds where all mirrors are, also one that fails, but not one that is refused', async () => {
    const sandbox = makeSandbox();
    try {
      Object.assign(desk.env, fakeSsh(sandbox).env);
      await desk.git(['config', 'gam.location', 'DE'], repo);
      for (const url of [
        `ssh://${TOKYO}/r.git`,
        `ssh://${AMSTERDAM}/r.git`,
        `https://a:b@${SAO_PAULO}/r.git`,
      ])
        await desk.git(['config', '--add', 'remote.origin.mirrorUrl', url], repo);
      expect((await desk.gam(['mirrors', 'check'], repo)).status).toBe(1);
      const all = await list();
      const of = (address: string) => all.find(({ url }) => url.includes(address));
      expect(of(TOKYO)?.location).toMatch(/^35\./);
      expect(of(AMSTERDAM)?.distanceKm).toBeLessThan(of(TOKYO)?.distanceKm ?? 0);
      expect(of(SAO_PAULO)).toMatchObject({ location: null, distanceKm: null, rank: null });
      expect(readFileSync(kept(), 'utf8')).not.toContain(SAO_PAULO);
    } finally {
      await sandbox.close();
    }
  });
});
