import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { judgeMirrorList, publishableMirrors, unfitForOthers } from '../../../src/mirror/publishable.ts';
import { judgeMirrorUrl } from '../../../src/mirror/refusal.ts';
import type { MirrorList } from '../../../src/protocol/mirror-list.ts';

function configured(...urls: string[]): ConfigEntry[] {
  return urls.map((value) => ({ section: 'remote', subsection: 'origin', name: 'mirrorurl', value }));
}

test.each<[string, 'fit' | 'forced' | 'never']>([
  ['https://mirror.host.org/r.git', 'fit'],
  ['git@host.org:group/r', 'fit'],
  ['ssh://git@host.org:2222/r', 'fit'],
  ['git://host.org/r', 'fit'],
  ['https://8.8.8.8/r', 'fit'],
  ['https://[2600::1]/r', 'fit'],
  ['bob@host.org:r', 'forced'],
  ['https://localhost/r', 'forced'],
  ['https://cache.lan/r', 'forced'],
  ['https://intranet/r', 'forced'],
  ['https://Cache.LOCAL./r', 'forced'],
  ['https://10.1.2.3/r', 'forced'],
  ['https://169.254.169.254/', 'forced'],
  ['https://[::1]/r', 'forced'],
  ['https://[::ffff:127.0.0.1]/r', 'forced'],
  ['/srv/r.git', 'never'],
  ['../r', 'never'],
  ['file:///srv/r.git', 'never'],
  ['https://u:p@host.org/r', 'never'],
  ['https://u@host.org/r', 'never'],
  ['https://host.org/r?token=x', 'never'],
  ['https://host.org/r#x', 'never'],
  ['ext::sh -c x', 'never'],
  ['mirror::https://host.org/r', 'never'],
  ['https://host.org/\u001b[31m', 'never'],
  [`https://host.org/${'x'.repeat(2048)}`, 'never'],
])('%s: %s', (url, verdict) => {
  expect(unfitForOthers(url, false) === null).toBe(verdict === 'fit');
  expect(unfitForOthers(url, true) === null).toBe(verdict !== 'never');
});

describe('the mirrors of a remote', () => {
  test('go by the names of their hosts, those of one host apart', () => {
    const { mirrors, left } = publishableMirrors(
      configured(
        'https://a.org/x',
        'https://b.org:8443/x',
        '/srv',
        'https://b.org/x',
        'https://B.org/y',
        'https://a.org/x',
      ),
      'origin',
      false,
    );
    expect(mirrors.map(({ url }) => url)).toEqual([
      'https://a.org/x',
      'https://b.org:8443/x',
      'https://b.org/x',
      'https://B.org/y',
    ]);
    expect(mirrors.map(({ id }) => id.replace(/[0-9a-f]{7}$/, 'HASH'))).toEqual([
      'a.org',
      'b.org+8443',
      'b.org+HASH',
      'b.org+HASH',
    ]);
    expect(left).toEqual([{ url: '/srv', why: expect.stringContaining('a path') as string }]);
  });

  test('make a list that passes, whatever is configured', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.constantFrom('x'.repeat(60), `${'y'.repeat(60)}.org`));
    const url = fc.oneof(
      fc.webUrl(),
      fc
        .tuple(fc.constantFrom('https', 'ssh', 'git', 'ext'), host)
        .map(([scheme, of]) => `${scheme}://${of}/r`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(url), fc.boolean(), (urls, force) => {
        const { mirrors } = publishableMirrors(configured(...urls), 'origin', force);
        const ids = mirrors.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toMatch(/^[^\s\u0000-\u001f]{1,64}$/);
        for (const mirror of mirrors) expect(judgeMirrorUrl(mirror.url).refusal).toBeNull();
        judgeMirrorList({ ...LIST, mirrors }, force);
      }),
    );
  });
});

const LIST: MirrorList = {
  canonical: [],
  mirrors: [],
  more: 0,
  prefer: null,
  ttl: null,
  state: 'current',
  successor: null,
  stale: null,
};

test.each<[string, Partial<MirrorList>]>([
  ['canonical with a login', { canonical: ['https://u:p@host.org/r'] }],
  ['a successor on this machine', { successor: '/srv/r' }],
  [
    'an id with an escape code',
    { mirrors: [{ id: '\u001b[31m', url: 'https://a.org/', location: null, priority: null }] },
  ],
  [
    'a mirror that is canonical',
    {
      canonical: ['https://a.org/r'],
      mirrors: [{ id: 'a', url: 'https://a.org/r', location: null, priority: null }],
    },
  ],
])('a list is refused for %s', (_what, part) => {
  expect(() => judgeMirrorList({ ...LIST, ...part }, true)).toThrow(
    expect.objectContaining({ code: 'bad-mirror-list' }),
  );
});
