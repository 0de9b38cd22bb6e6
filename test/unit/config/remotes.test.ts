import { describe, expect, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import { readRemotes, rewriteUrl, withoutPrefix } from '../../../src/config/remotes.ts';

function entries(...lines: string[]) {
  return parseConfigList(lines.map((line) => `${line.replace('=', '\n')}\0`).join(''));
}

describe('readRemotes', () => {
  test('takes the first URL, rewritten as git does, without gam prefix', () => {
    const config = entries(
      'remote.origin.url=mirror::https://h/a',
      'remote.origin.url=https://second/a',
      'remote.up.url=gh:b',
      'remote.plain.url=/srv/c',
      'remote.plain.vcs=mirror',
      'remote.none.fetch=+refs/heads/*:refs/remotes/none/*',
      'remote.pushdefault=x',
      'url.mirror::https://github.com/.insteadOf=gh:',
    );
    expect(readRemotes(config)).toEqual([
      { name: 'origin', url: 'mirror::https://h/a', canonical: 'https://h/a', throughGam: true },
      { name: 'up', url: 'gh:b', canonical: 'https://github.com/b', throughGam: true },
      { name: 'plain', url: '/srv/c', canonical: '/srv/c', throughGam: true },
    ]);
  });
});

describe('rewriteUrl', () => {
  test('lets the longest value win', () => {
    const config = entries(
      'url.https://short/.insteadof=x',
      'url.https://long/.insteadof=x:',
      'url.z.insteadof=y',
    );
    expect(rewriteUrl(config, 'x:a')).toBe('https://long/a');
    expect(rewriteUrl(config, 'xa')).toBe('https://short/a');
    expect(rewriteUrl(config, 'a')).toBe('a');
  });
});

test('withoutPrefix takes one prefix off', () => {
  expect(withoutPrefix('mirror::mirror::x')).toBe('mirror::x');
  expect(withoutPrefix('https://mirror::x/')).toBe('https://mirror::x/');
});
