import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namesHostOnly, readAddress, tellableUrl } from '../../../src/mirror/host-mirror.ts';
import { parseGitUrl, type WebUrl } from '../../../src/protocol/git-url.ts';
import type { MirrorList } from '../../../src/protocol/mirror-list.ts';

const CANONICAL = 'https://git.example/team/x.git';
const ANNA = 'http://anna.example:8080/';

function list(urls: readonly string[], more: Partial<MirrorList> = {}): MirrorList {
  const mirrors = urls.map((url, n) => ({ id: `m${n}`, url, location: null, priority: null }));
  const rest = { more: 0, prefer: null, ttl: null, state: 'current', successor: null, stale: null } as const;
  return { canonical: [CANONICAL], mirrors, ...rest, ...more };
}

const read = (answer: MirrorList, url = ANNA, now = 0) =>
  readAddress(answer, parseGitUrl(url) as WebUrl, CANONICAL, now);

describe('what a mirror says of where it has a repository', () => {
  test.each([
    'http://anna.example:8080/x/-/remotes/origin',
    'http://ANNA.example.:8080/x',
    'http://anna.example:08080/x',
  ])('counts at its very own place: %s', (url) => {
    expect(read(list([url]))).toMatchObject({ kind: 'at', known: { address: url } });
  });

  test.each([
    'https://anna.example:8080/x',
    'http://anna.example/x',
    'http://anna.example:8081/x',
    'http://bob.example:8080/x',
    'http://anna.example:8080.bob.example/x',
    'http://anna.example:8080@bob.example/x',
    'http://ann@anna.example:8080/x',
    'http://anna.example:8080/../x',
    'http://anna.example:8080/%2e%2E/x',
    'http://anna.example:8080/x y',
    'http://anna.example:8080/x\u001b[31m',
    'http://anna.example:8080/x?to=http://bob.example/',
    'http://anna.example:8080\\@bob.example/x',
    'ssh://anna.example:8080/x',
    'ext::sh -c touch% x',
    '/etc/passwd',
    'x',
  ])('does not lead elsewhere: %o', (url) => {
    expect(read(list([url]))).toEqual({ kind: 'elsewhere' });
    expect(read(list([url, `${ANNA}x`]))).toMatchObject({ kind: 'at', known: { address: `${ANNA}x` } });
  });

  test('never leads to another scheme, host or port, whatever it is', () => {
    const piece = fc.constantFrom(
      'http',
      'https',
      '://',
      ':',
      '/',
      '@',
      '.',
      '..',
      '\\',
      '#',
      '?',
      '%2e',
      ' ',
      'anna.example',
      '8080',
      'bob.example',
      'x',
    );
    const odd = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''));
    const near = odd.map((rest) => `http://anna.example:8080${rest}`);
    fc.assert(
      fc.property(fc.oneof(odd, near, fc.webUrl()), (url) => {
        const answered = read(list([url]));
        if (answered.kind !== 'at') return;
        const { origin, pathname, username } = new URL(answered.known.address);
        expect([origin, username]).toEqual(['http://anna.example:8080', '']);
        expect(answered.known.address.replace(/^http:\/\/[^/]*/i, '')).toBe(pathname);
      }),
      { numRuns: 2000 },
    );
  });

  test('is its own root where that is the repository', () => {
    expect(read(list([ANNA]))).toMatchObject({ kind: 'at', known: { address: ANNA } });
    expect(read(list(['http://anna.example:8080']))).toMatchObject({ kind: 'at', known: { address: ANNA } });
  });

  test('is that it lacks it, where it speaks of others, or names no place', () => {
    const canonical = ['https://git.example/team/y.git'];
    expect(read(list([`${ANNA}y`], { canonical }))).toMatchObject({
      kind: 'lacks',
      known: { address: null },
    });
    expect(read(list([], { canonical: [] })).kind).toBe('lacks');
    expect(read(list([])).kind).toBe('lacks');
    // However the repository is spelt.
    expect(read(list([`${ANNA}x`], { canonical: ['https://GIT.example:443/team/x'] })).kind).toBe('at');
  });

  test('counts for as long as it says, a minute at least and a day at most', () => {
    const until = (ttl: number | null) => {
      const answered = read(list([`${ANNA}x`], { ttl }), ANNA, 1000);
      return answered.kind === 'at' ? (answered.known.until - 1000) / 1000 : null;
    };
    expect([null, 0, 600, 10 ** 18].map(until)).toEqual([3600, 60, 600, 86_400]);
  });
});

describe('a mirror that is named by its host only', () => {
  test.each(['http://anna:8080/', 'https://cache.office', 'http://[::1]:9419/'])('%s', (url) =>
    expect(namesHostOnly(url)).toBe(true),
  );
  test.each([
    'http://anna:8080/x',
    'http://anna//',
    'ssh://anna/',
    'git://anna/',
    'anna:',
    '/',
    'http:///',
    'HTTP://h',
    'http://h/?x',
  ])('not %s', (url) => expect(namesHostOnly(url)).toBe(false));
});

describe('what a mirror is told of canonical', () => {
  test.each([
    [CANONICAL, CANONICAL],
    ['https://ann:secret@git.example/x', 'https://git.example/x'],
    ['git@git.example:x', 'git@git.example:x'],
    ['ssh://git:secret@git.example/x', 'ssh://git@git.example/x'],
    ['https://git.example/x?private_token=secret', null],
    ['/srv/git/x', null],
    ['file:///srv/git/x', null],
    ['nonsense://x', null],
  ])('%s: %s', (url, told) => expect(tellableUrl(url)).toBe(told));
});
