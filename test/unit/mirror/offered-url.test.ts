import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAcceptPattern } from '../../../src/config/accept.ts';
import { refusalOfOffered } from '../../../src/mirror/offered-url.ts';
import { judgeOffers, type KeptOffer, MOST_OFFERS, offersOf } from '../../../src/mirror/offers.ts';
import type { OfferedMirror } from '../../../src/protocol/mirror-list.ts';

const PUBLIC = 'https://far.example.com/project.git';

function patterns(...texts: string[]) {
  return texts.flatMap((text) => parseAcceptPattern(text) ?? []);
}

const ALL = patterns('https://*', 'http://*', 'ssh://*', 'git://*');

describe('a URL that a server names', () => {
  test.each([
    'ext::sh -c touch% x',
    'fd::3',
    'mirror::mirror::https://x.example.com/y',
    '--upload-pack=touch x',
    '-oProxyCommand=x:repo',
    'ssh://-oProxyCommand=x/r',
    'file:///etc',
    '/etc/passwd',
    '../../x',
    '\\\\server\\share',
    'C:\\x',
    '/dev/zero',
    'host:path',
    'git@host.example.com:path',
    'https://user:pass@h.example.com/r',
    'https://token@h.example.com/r',
    'ssh://git:pass@h.example.com/r',
    'https://h.example.com/r?token=x',
    'https://h.example.com/r#x',
    'https://h%0ahost=github.com/r',
    'https://h.example.com/\r',
    'https://h.example.com/\u0000',
    'https://h.example.com/\u001b[31m',
    'https://h.example.com/\u202egpj',
    'https:///h',
    'http://',
    'https://h.example.com',
    'https://h.example.com:99999/',
    'https://github.com@evil.example.com/',
    'https://h.example.com/a/../b',
    'https://h.example.com/a\\b',
    'ftp://h.example.com/x',
    '',
  ])('is refused: %j', (url) => {
    expect(refusalOfOffered(url, PUBLIC, ALL)).toBeTruthy();
    expect(refusalOfOffered(url, 'http://127.0.0.1/x', ALL)).toBeTruthy();
  });

  const INSIDE = [
    'http://169.254.169.254/x',
    'http://127.0.0.1:2375/x',
    'http://127.1/x',
    'http://2130706433/x',
    'http://0x7f.0.0.1/x',
    'http://0177.0.0.1/x',
    'http://127.0.0.1./x',
    'http://%31%32%37.0.0.1/x',
    'http://１２７.0.0.1/x',
    'http://[::1]/x',
    'http://[::ffff:127.0.0.1]/x',
    'http://[fc00::1]/x',
    'http://[fe80::1]/x',
    'http://10.0.0.1/x',
    'http://192.168.1.1/x',
    'http://100.64.0.1/x',
    'http://0.0.0.0/x',
    'http://localhost/x',
    'http://LOCALHOST./x',
    'http://router/x',
    'http://cache.lan/x',
    'ssh://10.0.0.1/x',
    'git://[::1]/x',
  ];
  test.each(INSIDE)('inside this network is refused from a server outside of it: %s', (url) => {
    expect(refusalOfOffered(url, PUBLIC, ALL)).toContain('inside this network');
    expect(refusalOfOffered(url, 'ssh://git@alias/x', ALL)).toContain('inside this network');
  });

  test.each([
    'http://127.0.0.1:8080/x',
    'http://git.corp/x',
    'ssh://git@10.1.2.3/x',
    '/srv/x',
    'http://[::1]/x',
  ])('inside this network may be named by a server there: %s', (canonical) => {
    expect(refusalOfOffered('http://10.0.0.1/x', canonical, ALL)).toBeNull();
  });

  test('inside this network may be named by anyone where the user has named the very host', () => {
    const named = patterns('http://10.0.0.1:*/*', 'http://cache.lan/');
    expect(refusalOfOffered('http://10.0.0.1:81/x', PUBLIC, named)).toBeNull();
    expect(refusalOfOffered('http://cache.lan/x', PUBLIC, named)).toBeNull();
    expect(refusalOfOffered('http://10.0.0.2/x', PUBLIC, [...named, ...ALL])).toBeTruthy();
  });

  test.each(['http', 'git', 'ssh'])('in %s is refused unless the user has said that scheme', (scheme) => {
    const url = `${scheme}://m.example.com/x`;
    expect(refusalOfOffered(url, PUBLIC, patterns('https://*'))).toContain('gam.acceptMirrorUrl');
    expect(refusalOfOffered(url, PUBLIC, patterns(`${scheme}://m.example.com`))).toBeNull();
  });

  test('is judged, and nothing thrown, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `https://${text}`),
        ),
        (url) => {
          const refusal = refusalOfOffered(url, PUBLIC, ALL);
          if (refusal === null) expect(url).toMatch(/^(https?|ssh|git):\/\/[^\s\\]+$/);
        },
      ),
    );
  });
});

function offered(url: string, priority: number | null = null): OfferedMirror {
  return { id: 'x', url, location: null, priority };
}

const taken = (mirrors: OfferedMirror[]) => offersOf({ mirrors }, PUBLIC, patterns('https://*'));
const urls = (offers: readonly KeptOffer[]) => offers.map(({ url }) => url);

describe('of a list is taken', () => {
  test('each place once, and never canonical', () => {
    const own = ['https://FAR.example.com./project.git', 'https://far.example.com:443/project.git/'];
    const same = ['https://m.example.com/x', 'https://M.example.com/x', 'https://m.example.com:443/x/'];
    expect(urls(taken([...own, ...same].map((url) => offered(url))))).toEqual([same[0]]);
  });

  test('what stands first by priority, and no more than is sane, of good and of bad', () => {
    const many = Array.from({ length: 1000 }, (_, index) => offered(`https://m${index}.example.com/x`));
    const bad = Array.from({ length: 1000 }, (_, index) => offered(`http://m${index}.example.com/x`, 0));
    const found = taken([...bad, ...many, offered('https://last.example.com/x', 1)]);
    expect(found).toHaveLength(2 * MOST_OFFERS);
    const judged = judgeOffers(found, 'server', PUBLIC, patterns('https://*'));
    const good = judged.filter(({ refusal }) => refusal === null);
    expect(good).toHaveLength(MOST_OFFERS);
    expect(good[0]?.url).toBe('https://last.example.com/x');
  });

  test('no login, which is never written down, and what it was in is not used without it', () => {
    const found = taken([offered('https://me:secret@m.example.com/x'), offered('https://m.example.com/x')]);
    expect(JSON.stringify(found)).not.toContain('secret');
    const judged = judgeOffers(found, 'server', PUBLIC, ALL);
    expect(judged.map(({ refusal }) => refusal === null)).toEqual([false, true]);
  });

  test('what the user accepts now, not what he did when it came', () => {
    const found = taken([offered('http://m.example.com/x')]);
    const refusal = (...texts: string[]) =>
      judgeOffers(found, 'server', PUBLIC, patterns(...texts))[0]?.refusal;
    expect(refusal('https://*')).toContain('gam.acceptMirrorUrl');
    expect(refusal('http://*')).toBeNull();
  });
});
