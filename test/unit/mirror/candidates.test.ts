import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { candidateMirrors } from '../../../src/mirror/candidates.ts';
import type { Offer } from '../../../src/mirror/offers.ts';

const CANONICAL = 'https://h.example/group/project';

function set(section: string, subsection: string, name: string, value: string): ConfigEntry {
  return { section, subsection, name, value };
}

const url = fc.oneof(
  fc.webUrl(),
  fc.constantFrom(CANONICAL, 'ext::sh', 'git@m:x', '', '/srv/x', 'https://me:pw@m/x', 'https://m/\u001b'),
);
const entry = fc.oneof(
  url.map((value) => set('remote', 'origin', 'mirrorurl', value)),
  url.map((value) => set('remote', 'origin', 'preferredmirror', value)),
  fc
    .tuple(
      fc.constantFrom(
        'https://h.example/',
        'https://h.example',
        'https://h.example/group',
        'https://h',
        'h',
        '',
      ),
      url,
    )
    .map(([base, value]) => set('mirror', base, 'url', value)),
);

describe('candidateMirrors', () => {
  test('lists every mirror once and never canonical; what is refused says why; sites differ', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const mirrors = candidateMirrors(entries, 'origin', CANONICAL);
        const urls = mirrors.map((mirror) => mirror.url);
        expect(new Set(urls).size).toBe(urls.length);
        expect(urls).not.toContain(CANONICAL);
        expect(mirrors.filter((mirror) => mirror.preferred).length).toBeLessThanOrEqual(1);
        expect(mirrors.slice(1).some((mirror) => mirror.preferred)).toBe(false);
        expect(new Set(mirrors.map((mirror) => mirror.site)).size).toBe(mirrors.length);
        for (const { url: one, refusal } of mirrors) {
          if (/^ext:|pw@|\u001b/.test(one)) expect(refusal).toBeTruthy();
        }
      }),
    );
  });

  test.each([
    ['https://h.example/', 'https://m/', 'https://m/group/project'],
    ['https://h.example', 'https://m', 'https://m/group/project'],
    ['https://h.example/group/', 'https://m/', 'https://m/project'],
    [CANONICAL, 'https://m/project.git', 'https://m/project.git'],
  ])('appends what follows the base %s to %s', (base, mirror, expected) => {
    expect(candidateMirrors([set('mirror', base, 'url', mirror)], null, CANONICAL)).toMatchObject([
      { url: expected, source: 'prefix', preferred: false, refusal: null },
    ]);
  });

  test.each([
    'https://h.exam',
    'https://h.example/gro',
    'https://h.example/group/project/x',
    'http://h.example/',
    '',
  ])('does not take %s for a base of it', (base) => {
    expect(candidateMirrors([set('mirror', base, 'url', 'https://m/')], null, CANONICAL)).toEqual([]);
  });

  test('the remote goes before the base, the longest base alone, the preferred first', () => {
    const entries = [
      set('mirror', 'https://h.example/', 'url', 'https://wide/'),
      set('mirror', 'https://h.example/group/', 'url', 'https://deep/'),
      set('remote', 'origin', 'mirrorurl', 'https://a/r'),
      set('remote', 'origin', 'mirrorurl', 'https://b/r'),
      set('remote', 'origin', 'preferredmirror', 'https://b/r'),
      set('remote', 'other', 'mirrorurl', 'https://c/r'),
    ];
    expect(candidateMirrors(entries, 'origin', CANONICAL).map((mirror) => mirror.url)).toEqual([
      'https://b/r',
      'https://a/r',
      'https://deep/project',
    ]);
  });

  test('has what a server names behind what the user does, each place once', () => {
    const offer = (to: string, refusal: string | null = null): Offer => ({
      url: to,
      source: 'server',
      location: null,
      priority: 3,
      refusal,
    });
    const entries = [set('remote', 'origin', 'mirrorurl', 'https://own.example/x')];
    const offers = [
      offer('https://OWN.example:443/x/'),
      offer('https://theirs.example/x'),
      offer('https://bad.example/x', 'not accepted'),
      offer(CANONICAL),
    ];
    expect(candidateMirrors(entries, 'origin', CANONICAL, offers)).toMatchObject([
      { url: 'https://own.example/x', source: 'config', refusal: null },
      { url: 'https://theirs.example/x', source: 'server', refusal: null, priority: 3 },
      { url: 'https://bad.example/x', source: 'server', refusal: 'not accepted' },
    ]);
  });
});
