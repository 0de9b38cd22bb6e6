import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import { readMirrorList } from '../../../src/config/mirror-list.ts';
import { parseTarget } from '../../../src/server/request-path.ts';
import { serviceOf } from '../../../src/server/service.ts';
import { endToEnd } from '../../../src/server/upstream-headers.ts';
import { pathBelow, settingsBelow } from '../../../src/server/upstream-list.ts';

const text = [
  ['mirrorlist.canonical', 'https://git.example/'],
  ['mirrorlist.successor', 'https://new.example/git'],
  ['mirrorlist.web.url', 'https://web.example/mirrors'],
  ['mirrorlist.scp.url', 'git@scp.example:'],
  ['mirrorlist.ssh.url', 'ssh://git@ssh.example/'],
].map((pair) => `${pair.join('\n')}\0`);
const { settings } = readMirrorList(parseConfigList(text.join('')));

function urlsBelow(requested: string): string[] | null {
  const target = parseTarget(requested);
  const service = target && serviceOf(target);
  const path = target && service && pathBelow(requested, target, service);
  if (!path) return null;
  const { canonical, mirrors, successor } = settingsBelow(settings, path);
  return [...canonical, successor ?? '', ...mirrors.map(({ url }) => url)];
}

describe('the list of a repository below a server', () => {
  test('has the path appended, encoded where git decodes it', () => {
    expect(urlsBelow('/group/a%20b.git/info/refs?service=git-upload-pack')).toEqual([
      'https://git.example/group/a%20b.git',
      'https://new.example/git/group/a%20b.git',
      'https://web.example/mirrors/group/a%20b.git',
      'git@scp.example:group/a b.git',
      'ssh://git@ssh.example/group/a%20b.git',
    ]);
    expect(urlsBelow('http://h/x/info/mirrors')?.[0]).toBe('https://git.example/x');
    expect(urlsBelow('/info/mirrors')?.[0]).toBe('https://git.example/');
  });

  test.each(['/x/info/mirr%6frs', '/x/../y/info/mirrors', '/x%0a/info/mirrors', '/ü/info/mirrors', '/x'])(
    'is none for %s',
    (requested) => expect(urlsBelow(requested)).toBeNull(),
  );

  test('names what is longer than a list may hold not at all', () => {
    expect(urlsBelow(`/${'x'.repeat(2030)}/info/mirrors`)).toHaveLength(2);
  });

  test('leads to no other host, whatever is asked for', () => {
    const part = fc.constantFrom(
      'a',
      '..',
      '.',
      '',
      '%2e',
      '%2f',
      '@evil',
      ':80',
      '%40',
      'x.git',
      '~u',
      '%5c',
      '-o',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const [first] = urlsBelow(`/${parts.join('/')}/info/mirrors`) ?? ['https://git.example/'];
        expect(new URL(first ?? '').origin).toBe('https://git.example');
      }),
    );
  });
});

test('headers of one connection are not handed on, nor those that it names', () => {
  const name = fc.constantFrom('X-A', 'x-b', 'Connection', 'TE', 'Keep-Alive', 'Upgrade', 'Cookie');
  const value = fc.constantFrom('x-a', 'close, X-B', 'v');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      const kept = endToEnd(pairs.flat());
      const named = pairs
        .filter(([one]) => one === 'Connection')
        .flatMap(([, said]) => said.toLowerCase().split(', '));
      const gone = new Set(['connection', 'te', 'keep-alive', 'upgrade', ...named]);
      expect(kept).toEqual(pairs.filter(([one]) => !gone.has(one.toLowerCase())));
    }),
  );
});
