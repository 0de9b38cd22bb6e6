import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { basePatterns, fitToBase, readBase, readEnabledBase } from '../../../src/mirror/base.ts';

describe('readBase', () => {
  test.each([
    ['https://h', 'https://h/'],
    ['https://h/', 'https://h/'],
    ['https://h/group', 'https://h/group'],
    ['https://h:8443', 'https://h:8443/'],
    ['https://h/one.git', 'https://h/one.git'],
    ['ssh://git@h', 'ssh://git@h/'],
    ['git@h:', 'git@h:'],
    ['git@h:group/', 'git@h:group/'],
    ['/srv/git', '/srv/git'],
    ['file:///srv/', 'file:///srv/'],
    ['http://[::1]:80', 'http://[::1]:80/'],
  ])('reads %s as %s', (text, base) => {
    expect(readBase(text)).toBe(base);
  });

  test.each([
    '',
    'h',
    'group/x',
    './x',
    'https://',
    'https:///x',
    'ftp-x://h/',
    'mirror::https://h/',
    'ext::sh',
    ':',
    'https://u@h/',
    'ssh://u:p@h/',
    'https://h/\n',
  ])('refuses %j', (text) => {
    expect(() => readBase(text)).toThrow(/is no base for URLs/);
  });
});

describe('readEnabledBase', () => {
  test('ends where a name ends', () => {
    expect(readEnabledBase('https://h/group')).toBe('https://h/group/');
    expect(readEnabledBase('git@h:')).toBe('git@h:');
  });

  test.each([
    'https://h/**',
    'https://h/*',
    'https://h/?',
    'https://h/[a]/',
    'https://h/a\\b',
    'https://h/one.git',
  ])('refuses %s', (text) => {
    expect(() => readEnabledBase(text)).toThrow(/is no base for URLs/);
  });
});

describe('fitToBase', () => {
  test.each([
    ['https://h/', 'https://m/h', 'https://m/h/'],
    ['https://h/', 'https://m/h/', 'https://m/h/'],
    ['git@h:', 'git@m:', 'git@m:'],
    ['https://h/group', 'https://m/g/', 'https://m/g'],
    ['/srv', '/', '/'],
  ])('for base %s makes %s into %s', (base, url, fitted) => {
    expect(fitToBase(base, url)).toBe(fitted);
  });
});

describe('basePatterns', () => {
  // git itself is asked which URLs the globs take in.
  test.each([
    [
      'https://h/',
      ['https://h/x', 'https://h/a/b/c.git'],
      ['https://h.evil/x', 'http://h/x', 'https://hh/x'],
    ],
    ['git@h:', ['git@h:x', 'git@h:a/b', 'git@h:a/b/c'], ['git@hh:x', 'git@h.evil:a/b']],
    ['http://[::1]:80/', ['http://[::1]:80/a/b'], ['http://1:80/a']],
  ])('of %s take in what lies under it and nothing else', (base, inside, outside) => {
    const folder = mkdtempSync(join(tmpdir(), 'gam-base-'));
    try {
      const git = (...args: string[]) =>
        execFileSync('git', args, {
          cwd: folder,
          encoding: 'utf8',
          env: { PATH: process.env['PATH'], HOME: folder },
        });
      const [, minor = 0] = git('version').replace(/^\D+/, '').split('.').map(Number);
      if (minor < 36) return;
      git('init', '-q');
      writeFileSync(join(folder, 'inc'), '[seen]\n\tyes = 1\n');
      for (const pattern of basePatterns(base))
        git('config', '--add', `includeIf.hasconfig:remote.*.url:${pattern}.path`, join(folder, 'inc'));
      const seen = (url: string) => {
        git('config', 'remote.origin.url', url);
        return git('config', '--list').includes('seen.yes=1');
      };
      expect(inside.filter((url) => !seen(url))).toEqual([]);
      expect(outside.filter(seen)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
