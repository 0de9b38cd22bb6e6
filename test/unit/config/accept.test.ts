import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acceptPatterns, parseAcceptPattern } from '../../../src/config/accept.ts';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { refusalOfOffered } from '../../../src/mirror/offered-url.ts';

const CANONICAL = 'https://far.example.com/project.git';

function set(...values: string[]): ConfigEntry[] {
  return values.map((value) => ({ section: 'gam', subsection: null, name: 'acceptmirrorurl', value }));
}

function accepts(pattern: string, url: string): boolean {
  const { patterns } = acceptPatterns(set(pattern));
  return refusalOfOffered(url, CANONICAL, patterns) === null;
}

describe('a pattern of gam.acceptMirrorUrl', () => {
  test.each<[string, string, boolean]>([
    ['https://*', 'https://m.example.com/x', true],
    ['https://*', 'https://m.example.com:8443/x', true],
    ['https://*', 'http://m.example.com/x', false],
    ['https://*', 'ssh://git@m.example.com/x', false],
    ['ssh://*', 'ssh://git@m.example.com/x', true],
    ['git://m.example.com', 'git://m.example.com/x', true],
    ['https://*.example.com/*', 'https://m.example.com/a/b', true],
    ['https://*.example.com/*', 'https://a.b.example.com/x', false],
    ['https://*.example.com/*', 'https://example.com/x', false],
    ['https://*.example.com/*', 'https://m.example.com.evil.org/x', false],
    ['https://*.example.com/*', 'https://evil.org/.example.com/x', false],
    ['https://*.example.com/*', 'https://m.example.com:8443/x', false],
    ['https://m.example.com:*/*', 'https://m.example.com:8443/x', true],
    ['https://m.example.com:443/', 'https://m.example.com/x', true],
    ['https://m.example.com', 'https://m.example.com:443/x', true],
    ['https://M.Example.com/', 'https://m.eXample.COM./x', true],
    ['https://eu-*.example.com', 'https://eu-1.example.com/x', true],
    ['https://m.example.com/group/', 'https://m.example.com/group/x', true],
    ['https://m.example.com/group/*', 'https://m.example.com/group/x/y', true],
    ['https://m.example.com/group/', 'https://m.example.com/groups/x', false],
    ['https://m.example.com/group/', 'https://m.example.com/group/../other/x', false],
    ['https://m.example.com/group/', 'https://m.example.com/group/%2e%2e/other/x', false],
    ['https://m.example.com/x', 'https://m.example.com/x', true],
    ['https://m.example.com/x', 'https://m.example.com/xy', false],
    ['https://m.example.com/(x|y)', 'https://m.example.com/x', false],
  ])('%s and %s: %s', (pattern, url, fits) => {
    expect(accepts(pattern, url)).toBe(fits);
  });

  test.each([
    'https://github.com*',
    'https://git*',
    '*',
    '*://h/',
    'https://',
    'file:///srv/',
    '/srv',
    'https://u@h/',
  ])('%s is not read, and accepts nothing', (pattern) => {
    expect(parseAcceptPattern(pattern)).toBeNull();
    expect(acceptPatterns(set(pattern))).toEqual({ patterns: [], unreadable: [pattern] });
  });

  test('without any, https is accepted; an empty one takes back those before it', () => {
    expect(acceptPatterns([]).patterns).toEqual(acceptPatterns(set('https://*')).patterns);
    expect(acceptPatterns(set('')).patterns).toEqual([]);
    expect(acceptPatterns(set('http://*', '', 'git://*')).patterns.map(({ scheme }) => scheme)).toEqual([
      'git',
    ]);
  });

  test('that names a host accepts that host alone, whatever the URL', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ validSchemes: ['https', 'http'] }),
        fc.webUrl({ validSchemes: ['https'] }),
        (url, other) => {
          const { host } = new URL(other);
          if (accepts(`https://${host}`, url)) expect(new URL(url).host).toBe(host);
        },
      ),
    );
  });

  test('is read or not, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `https://${text}`),
        ),
        (text) => {
          parseAcceptPattern(text);
        },
      ),
    );
  });
});
