import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConfigEntry, parseConfigList } from '../../../src/config/entries.ts';
import { readMirrorList } from '../../../src/config/mirror-list.ts';
import { offeredList } from '../../../src/mirror/offered-list.ts';
import type { MirrorListRequest } from '../../../src/protocol/mirror-list-request.ts';

const HERE = 'https://here.example/r.git';

function entriesOf(...variables: [key: string, value: string][]): ConfigEntry[] {
  return parseConfigList(variables.map(([key, value]) => `${key}\n${value}\0`).join(''));
}

function offered(request: Partial<MirrorListRequest>, entries: ConfigEntry[], address: string | null = null) {
  const { settings } = readMirrorList(entries);
  return offeredList(settings, entries, { url: null, skip: 0, ...request }, { address, location: null }, 0);
}

function mirrors(count: number): [string, string][] {
  return Array.from({ length: count }, (_, n) => [`mirrorlist.m${n}.url`, `https://m${n}.example/r`]);
}

describe('a list in pages', () => {
  test('has each mirror once, and says how many are left', () => {
    const size = fc.integer({ min: 0, max: 60 });
    const limit = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, limit, fc.constantFrom('fixed', 'random', 'geoip'), (count, most, policy) => {
        const entries = entriesOf(
          ...mirrors(count),
          ['mirrorlist.limit', `${most}`],
          ['mirrorlist.policy', policy],
        );
        const seen: string[] = [];
        for (let more = -1; more !== 0; ) {
          const list = offered({ skip: seen.length }, entries, '192.0.2.1');
          expect(list.mirrors.length).toBeLessThanOrEqual(most);
          seen.push(...list.mirrors.map(({ id }) => id));
          expect(seen.length + list.more).toBe(count);
          more = list.more;
        }
        expect(new Set(seen).size).toBe(count);
      }),
    );
  });

  test('has nothing behind its end, and is empty where no mirror is configured', () => {
    expect(offered({ skip: Number.MAX_SAFE_INTEGER }, entriesOf(...mirrors(3)))).toMatchObject({
      mirrors: [],
      more: 0,
    });
    expect(offered({}, entriesOf())).toEqual({
      canonical: [],
      mirrors: [],
      more: 0,
      prefer: null,
      ttl: 86_400,
      state: 'current',
      successor: null,
      stale: null,
    });
  });

  test('has clients come to a deprecated mirror last, whatever its priority was', () => {
    const { mirrors: told } = offered(
      {},
      entriesOf(
        ...mirrors(3),
        ['mirrorlist.m0.state', 'deprecated'],
        ['mirrorlist.m0.priority', '1'],
        ['mirrorlist.m1.state', 'refusing'],
      ),
    );
    expect(told.map(({ id, priority }) => [id, priority])).toEqual([
      ['m2', null],
      ['m0', 100],
    ]);
  });

  test('keeps the weight to itself', () => {
    const [told] = offered({}, entriesOf(...mirrors(1), ['mirrorlist.m0.weight', '7'])).mirrors;
    expect(told).toEqual({ id: 'm0', url: 'https://m0.example/r', location: null, priority: null });
  });
});

describe('a list that is asked for by a URL', () => {
  const entries = entriesOf(
    ...mirrors(2),
    ['mirrorlist.canonical', HERE],
    ['mirrorlist.state', 'deprecated'],
    ['remote.origin.url', 'mirror::https://far.example/z'],
    ['remote.origin.url', 'https://ann:secret@far.example/y'],
    ['remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'],
    ['remote.origin.url', 'host:r'],
    ['remote.ssh.url', 'git@ssh.example:r.git'],
    ['remote.ssh.fetch', '+refs/heads/*:refs/remotes/ssh/*'],
    ['remote.local.url', '/srv/secret/r.git'],
    ['remote.local.fetch', '+refs/heads/*:refs/remotes/local/*'],
    ['remote.backup.url', 'ssh://git:secret@backup.example/r'],
    ['url.https://inside.example/.insteadof', 'https://outside.example/'],
    ['remote.out.url', 'https://outside.example/r'],
  );

  test.each([
    HERE,
    `${HERE}/`,
    'https://far.example/y',
    'https://far.example/z',
    'git@ssh.example:r.git',
    'ssh://git@backup.example/r',
    '/srv/secret/r.git',
    'https://outside.example/r',
    'https://inside.example/r',
    'mirror::https://inside.example/r',
  ])('is that of %s', (url) => {
    const list = offered({ url }, entries);
    expect(list.canonical).toEqual([url]);
    expect(list.mirrors).toHaveLength(2);
  });

  test.each(['https://elsewhere.example/r', 'https://far.example/', 'HTTPS://HERE.EXAMPLE/R.GIT', '/', ''])(
    'says for %o what is carried, without logins, local paths, and remotes that are only pushed to',
    (url) => {
      const list = offered({ url }, entries);
      expect(list.mirrors).toEqual([]);
      expect(list.more).toBe(0);
      expect(list.state).toBe('deprecated');
      expect(list.canonical).toEqual([
        HERE,
        'https://far.example/z',
        'https://far.example/y',
        'host:r',
        'git@ssh.example:r.git',
      ]);
      expect(JSON.stringify(list)).not.toMatch(/secret/);
    },
  );

  test('names the server itself first, by an id that no other has, and on the first page only', () => {
    const two = fc.tuple(fc.nat(3), fc.nat(5));
    fc.assert(
      fc.property(two, fc.nat(3), ([own, taken], skip) => {
        const ids = ['here', 'here1', 'here3', 'x', 'y'].slice(0, taken);
        const configured = entriesOf(
          ['mirrorlist.canonical', HERE],
          ...ids.map((id): [string, string] => [`mirrorlist.${id}.url`, `https://${id}.example/r`]),
        );
        const { settings } = readMirrorList(configured);
        const here = Array.from({ length: own }, (_, n) => `https://carrier.example/${n}`);
        const client = { address: null, location: null };
        const list = offeredList(settings, configured, { url: HERE, skip }, client, 0, here);
        const others = ids.slice(skip).map((id) => `https://${id}.example/r`);
        expect(list.mirrors.map(({ url }) => url)).toEqual([...(skip === 0 ? here : []), ...others]);
        expect(new Set(list.mirrors.map(({ id }) => id)).size).toBe(list.mirrors.length);
      }),
    );
  });
});
