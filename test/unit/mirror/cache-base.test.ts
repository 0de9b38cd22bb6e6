import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cachedUrl, readCacheBase, redirectedUrl, showBase } from '../../../src/mirror/cache-base.ts';

const bases = [
  'https://h.example/',
  'http://plain.example',
  'https://port.example:8443/group/',
  'http://both.example/',
  'https://both.example/safe/',
  'https://one.example/group/project',
].map(readCacheBase);

const urlOf = (path: string) => cachedUrl(bases, path)?.url ?? null;

describe('cachedUrl', () => {
  test.each([
    ['/h.example/group/project.git', 'https://h.example/group/project.git'],
    ['/h.example/project', 'https://h.example/project'],
    ['/H.Example./Project', 'https://h.example/Project'],
    ['/h.example:443/x', 'https://h.example/x'],
    ['/h.example:0443/x', 'https://h.example/x'],
    ['/plain.example:80/x', 'http://plain.example/x'],
    ['/port.example:8443/group/x', 'https://port.example:8443/group/x'],
    ['/both.example/x', 'http://both.example/x'],
    ['/both.example/safe/x', 'https://both.example/safe/x'],
    ['/one.example/group/project', 'https://one.example/group/project'],
    ['/h.example/~me/c++ x', 'https://h.example/~me/c++%20x'],
    ['/h.example/-oProxyCommand=x', 'https://h.example/-oProxyCommand%3Dx'],
  ])('%s is %s', (path, url) => {
    expect(urlOf(path)).toBe(url);
  });

  test.each([
    '/elsewhere.example/x',
    '/h.example.evil.example/x',
    '/evil.h.example/x',
    '/h.example',
    '/h.example/',
    '/h.example//x',
    '/h.example/../x',
    '/h.example/x/..',
    '/h.example/./x',
    '/h.example/%2e%2e/x',
    '/h.example/a%2fb',
    '/h.example/a\\b',
    '/h.example/a\u0000b',
    '/h.example/a\nb',
    '/h.example/.git',
    '/h.example/x.git/objects',
    '/h.example/x.git/y.git',
    '/me@h.example/x',
    '/me:pw@h.example/x',
    '/elsewhere.example@h.example/x',
    '/h.example@elsewhere.example/x',
    '/h.example:8443/x',
    '/h.example:/x',
    '/h.example:99999999/x',
    '/h.example../x',
    '/h.example#/x',
    '/h.example?/x',
    '/https://h.example/x',
    '/port.example/group/x',
    '/port.example:8443/group',
    '/port.example:8443/groups/x',
    '/port.example:8443/x',
    '/one.example/group/project2',
    '/one.example/group/project.git',
    '/ho\u0131.example/x',
    `/h.example/${'x'.repeat(300)}`,
    'h.example/x',
    '',
  ])('%j is nothing of ours', (path) => {
    expect(urlOf(path)).toBeNull();
  });

  const part = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      '..',
      '.',
      '',
      '.git',
      'x.git',
      'X',
      'x',
      '%2e',
      'a@b',
      '@',
      ':',
      '?',
      '#',
      'safe',
      'group',
    ),
  );
  const authority = fc.oneof(
    part,
    fc.constantFrom('h.example', 'H.EXAMPLE.', 'both.example', 'port.example:8443', 'me@h.example'),
  );

  test('a URL begins with a base, and means to others what it means here; a folder stays in its place', () => {
    fc.assert(
      fc.property(authority, fc.array(part, { maxLength: 4 }), (host, parts) => {
        const found = cachedUrl(bases, `/${[host, ...parts].join('/')}`);
        if (found === null) return;
        expect(bases.map(showBase).some((base) => found.url.startsWith(base))).toBe(true);
        expect(new URL(found.url).href).toBe(found.url);
        expect(found.folder).toMatch(/^https?(?:\/[a-z0-9._+~@%!-]+)+\.git$/);
        expect(found.folder.split('/').some((name) => /^\.{1,2}$/.test(name))).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('two repositories share a folder only if they differ by .git alone', () => {
    const any = fc.tuple(
      fc.constantFrom('h.example', 'both.example'),
      fc.array(part, { minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(any, any, ([oneHost, one], [otherHost, other]) => {
        const found = [`/${[oneHost, ...one].join('/')}`, `/${[otherHost, ...other].join('/')}`].map((path) =>
          cachedUrl(bases, path),
        );
        const [a, b] = found;
        if (!a || !b) return;
        const same = a.url.replace(/\.git$/, '') === b.url.replace(/\.git$/, '');
        expect(a.folder.toLowerCase() === b.folder.toLowerCase()).toBe(same);
        // Nor does one lie inside of another.
        expect(b.folder.startsWith(`${a.folder}/`)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('readCacheBase', () => {
  test.each([
    ['https://GitHub.com', 'https://github.com/'],
    ['https://github.com.:443/', 'https://github.com/'],
    ['http://[::1]:8080/a b/'.replace(' ', '%20'), 'http://[::1]:8080/a%20b/'],
    ['https://h.example/group', 'https://h.example/group'],
  ])('%s is %s', (text, base) => {
    expect(showBase(readCacheBase(text))).toBe(base);
  });

  test.each([
    '',
    'github.com',
    'ssh://git@h.example/',
    'git@h.example:',
    'file:///srv',
    '/srv/git',
    'ext::sh -c x',
    'mirror::https://h.example/',
    'https://',
    'https:///h',
    'https://me@h.example/',
    'https://me:pw@h.example/',
    'https://h.example/a@b/',
    'https://h.example:99999/',
    'https://h.example/../x',
    'https://h.example/a//b',
    'https://h.example/a%2fb/',
    'https://h.example/?x',
    'https://h.example/#x',
    'https://h.example/\u001b',
    'https://h.example/%zz',
  ])('%j is none', (text) => {
    expect(() => readCacheBase(text)).toThrow(/is no base for a cache/);
  });

  test('what cannot be read is shown without its password', () => {
    expect(() => readCacheBase('https://me:secret@h.example/')).not.toThrow(/secret/);
  });
});

describe('redirectedUrl', () => {
  const from = 'https://h.example/old';
  test.each([
    ['https://h.example/new/info/refs?service=git-upload-pack', 'https://h.example/new'],
    ['/new.git/info/refs', 'https://h.example/new.git'],
    ['https://h.example:443/new/info/refs', 'https://h.example/new'],
    ['https://elsewhere.example/new/info/refs', null],
    ['//elsewhere.example/new/info/refs', null],
    ['http://h.example/new/info/refs', null],
    ['https://me:pw@h.example/new/info/refs', null],
    ['https://h.example/login', null],
    ['https://h.example/a%2f..%2fb/info/refs', null],
    ['file:///etc/info/refs', null],
    ['ext::sh', null],
  ])('%s leads to %s', (location, url) => {
    expect(redirectedUrl(bases, from, location)).toBe(url);
  });
});
