import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bundleName, isBundleUrl, listedPlace } from '../../../src/mirror/bundle.ts';

describe('the URL of a bundle', () => {
  test.each<[string, boolean]>([
    ['https://h/x.bundle', true],
    ['https://h/x.bundle?token=1', true],
    ['http://h/project/bundle-list', true],
    ['http://h/project.bundle-list', true],
    ['https://h/x.git', false],
    ['https://x.bundle/repo', false],
    ['https://x.bundle', false],
    ['https://h/repo?x.bundle', false],
    ['ssh://h/x.bundle', false],
    ['https://h/files/any', true],
    ['https://h/files', true],
    ['https://h/filesystem', false],
  ])('%s: %s', (url, expected) => {
    const entries = [{ section: 'gam', subsection: null, name: 'bundleurl', value: 'https://h/files/' }];
    expect(isBundleUrl(url, entries)).toBe(expected);
  });

  test('tells which mirrors may hold the same', () => {
    expect(bundleName('https://a/x/y.bundle?1')).toBe('y.bundle');
    expect(bundleName('http://b:8080/y.bundle')).toBe('y.bundle');
  });
});

describe('a bundle of a list', () => {
  const list = 'https://h.example/a/bundle-list';

  test.each([
    ['one.bundle', 'https://h.example/a/one.bundle'],
    ['./b/one.bundle?x=1', 'https://h.example/a/b/one.bundle?x=1'],
    ['https://H.example:443/a/one.bundle', 'https://h.example/a/one.bundle'],
    ['bundle-list', list],
  ])('%s is below it', (uri, place) => {
    expect(listedPlace(list, uri)).toEqual({ place, refusal: null });
  });

  test.each([
    'https://evil.example/a/one.bundle',
    '//evil.example/a/one.bundle',
    'http://h.example/a/one.bundle',
    'https://h.example:8443/a/one.bundle',
    'https://u:p@h.example/a/one.bundle',
    'file:///etc/passwd',
    '../one.bundle',
    '%2e%2e/one.bundle',
    '..%2fone.bundle',
    '\\\\server\\share',
    'one\u001b[2J.bundle',
    'one%0a.bundle',
    'https://',
    'mirror::https://h.example/a/one.bundle',
  ])('%j is not', (uri) => {
    expect(listedPlace(list, uri)).toMatchObject({ place: null });
  });

  test('leads nowhere else, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.webPath(), fc.string()), (uri) => {
        const { place } = listedPlace(list, uri);
        if (place !== null) expect(new URL(place).href).toMatch(/^https:\/\/h\.example\/a\//);
      }),
    );
  });

  test('of a list that is a file lies in its folder', () => {
    expect(listedPlace('/srv/bundles/list', 'day/one.bundle').place).toBe('/srv/bundles/day/one.bundle');
    for (const uri of ['/etc/passwd', '../x', 'day/../../x', 'file:///x', 'https://h/x', 'C:\\x', ''])
      expect(listedPlace('/srv/bundles/list', uri).place).toBeNull();
  });
});
