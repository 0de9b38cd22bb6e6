import { posix } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../../src/server/request-path.ts';
import { serviceOf } from '../../../src/server/service.ts';

describe('the target of a request', () => {
  test('is taken apart and decoded', () => {
    expect(parseTarget('/a%20b/info/refs?service=git-upload-pack&x=?')).toEqual({
      path: '/a b/info/refs',
      query: 'service=git-upload-pack&x=?',
    });
    expect(parseTarget('https://host:1/x.git/HEAD')).toEqual({ path: '/x.git/HEAD', query: '' });
  });

  test.each([
    '',
    '*',
    'x',
    '//x',
    '/x//y',
    '/x/',
    '/./x',
    '/x/..',
    '/%2E%2e/x',
    '/x%2Fy',
    '/x%5cy',
    '/%00',
    '/%',
    '/%ff',
  ])('%j is none of git', (target) => expect(parseTarget(target)).toBeNull());

  test('whatever it is, it stays under the root', () => {
    const part = fc.constantFrom(
      '.',
      '..',
      '%2e',
      '%2E.',
      '/',
      '//',
      '\\',
      '%2f',
      '%5c',
      '%00',
      'a',
      '?',
      'HEAD',
      '%252e',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const target = parseTarget(`/${parts.join('')}`);
        if (target === null) return;
        expect(posix.normalize(`/root${target.path}`)).toBe(`/root${target.path}`);
        const repository = serviceOf(target)?.repository ?? '';
        expect(posix.join('/root', repository)).toMatch(/^\/root(?:\/|$)/);
      }),
    );
  });
});

describe('what is asked of git', () => {
  const of = (path: string, query = '') => serviceOf({ path, query });

  test.each([
    ['/x.git/git-upload-pack', '', 'upload-pack', '/x.git'],
    ['/a/b/git-receive-pack', '', 'receive-pack', '/a/b'],
    ['/x/info/refs', 'service=git-receive-pack', 'receive-pack', '/x'],
    ['/x/info/refs', 'a=b&service=git-upload-pack', 'upload-pack', '/x'],
    ['/x/info/refs', '', 'info-refs', '/x'],
    ['/info/refs', 'service=git-evil', 'info-refs', ''],
    [`/x/objects/pack/pack-${'a'.repeat(64)}.idx`, '', 'file', '/x'],
    [`/x/objects/ab/${'c'.repeat(38)}`, '', 'file', '/x'],
  ])('%s?%s is %s of %s', (path, query, name, repository) =>
    expect(of(path, query)).toMatchObject({ name, repository, rest: path.slice(repository.length) }),
  );

  test.each([
    '/x',
    '/x/config',
    '/x/objects/pack/pack-1.pack',
    `/x/objects/ab/${'c'.repeat(39)}`,
    '/x/HEAD/y',
  ])('%s is nothing', (path) => expect(of(path)).toBeNull());
});
