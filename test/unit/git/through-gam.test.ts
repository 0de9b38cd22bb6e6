import { describe, expect, test } from 'vitest';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { cloneThroughGam, fetchThroughGam } from '../../../src/git/through-gam.ts';

function entry(section: string, subsection: string | null, name: string, value: string): ConfigEntry {
  return { section, subsection, name, value };
}

const INCLUDED = entry(
  'includeif',
  'hasconfig:remote.*.url:https://led.example/**',
  'path',
  '/home/a/.config/gam/origin.gitconfig',
);
const REWRITTEN = entry(
  'url',
  'mirror::https://rewritten.example/',
  'insteadof',
  'https://rewritten.example/',
);

describe('git clone', () => {
  const clone = (line: string, entries: ConfigEntry[] = []) =>
    cloneThroughGam(line.split(' '), entries, '/here').join(' ');

  test.each([
    ['https://h/x', 'clone mirror::https://h/x'],
    ['-q --depth 1 a@h:x to', 'clone -q --depth 1 mirror::a@h:x to'],
    ['-- ssh://h/x', 'clone -- mirror::ssh://h/x'],
    ['file:///x', 'clone mirror::file:///x'],
    ['/srv/x', 'clone mirror::/srv/x'],
    // In the clone it would lead to another place.
    ['../x', 'clone mirror::/x'],
    ['mirror::https://h/x', 'clone mirror::https://h/x'],
    ['ext::sh', 'clone ext::sh'],
    ['--help', 'clone --help'],
  ])('%s', (line, expected) => expect(clone(line)).toBe(expected));

  test('a URL that goes through gam anyway stays plain', () => {
    expect(clone('https://led.example/x', [INCLUDED])).toBe('clone https://led.example/x');
    expect(clone('https://rewritten.example/x', [REWRITTEN])).toBe('clone https://rewritten.example/x');
    expect(clone('https://led.example.evil/x', [INCLUDED])).toBe('clone mirror::https://led.example.evil/x');
  });

  test('an include reaches the remote origin alone', () => {
    expect(clone('-o up https://led.example/x', [INCLUDED])).toBe(
      'clone -o up mirror::https://led.example/x',
    );
    const renamed = entry('clone', null, 'defaultremotename', 'up');
    expect(clone('https://led.example/x', [INCLUDED, renamed])).toBe('clone mirror::https://led.example/x');
  });
});

describe('git fetch', () => {
  const remotes = [
    entry('remote', 'origin', 'url', 'https://h/x'),
    entry('remote', 'gam', 'url', 'mirror::https://h/x'),
    entry('remote', 'led', 'url', 'https://rewritten.example/x'),
    entry('remote', 'foreign', 'url', 'ext::sh'),
    entry('remote', 'other', 'url', 'https://h/y'),
    entry('remote', 'other', 'vcs', 'hg'),
    entry('remote', 'a/b', 'url', 'git@h:y'),
    REWRITTEN,
  ];
  const settings = ['-c', 'remote.origin.vcs=mirror', '-c', 'remote.a/b.vcs=mirror'];
  const fetch = (...words: string[]) => fetchThroughGam(words, remotes, '/here');

  test('sends every remote there that can go, and does not yet', () => {
    expect(fetch('--all')).toEqual([...settings, 'fetch', '--all']);
  });

  test('gives a URL the prefix, and no name', () => {
    expect(fetch('-q', 'https://h/z', 'main')).toEqual([
      ...settings,
      'fetch',
      '-q',
      'mirror::https://h/z',
      'main',
    ]);
    // git takes a path from the top of the work tree, wherever in it the user is.
    expect(fetch('../z').at(-1)).toBe('mirror::../z');
    for (const name of ['origin', 'a/b', 'group', 'mirror::https://h/x', 'https://rewritten.example/z'])
      expect(fetch(name)).toEqual([...settings, 'fetch', name]);
  });
});
