import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLONE_OPTIONS, commandName, FETCH_OPTIONS, operands } from '../../../src/protocol/command-words.ts';

const found = (line: string, options = CLONE_OPTIONS) => {
  const words = line.split(' ');
  return operands(words, options).map((at) => words[at]);
};

describe('the words of git clone that are no options', () => {
  test.each([
    ['URL', ['URL']],
    ['URL DIR', ['URL', 'DIR']],
    ['--depth 1 URL', ['URL']],
    ['--depth=1 URL', ['URL']],
    ['URL --depth 1 DIR', ['URL', 'DIR']],
    ['-b main URL', ['URL']],
    ['-bmain URL', ['URL']],
    ['-qb main URL', ['URL']],
    ['-qnv URL', ['URL']],
    ['--recurse-submodules URL', ['URL']],
    ['--orig up URL', ['URL']],
    ['-c a.b=c -c d.e=f -- URL DIR', ['URL', 'DIR']],
    ['-- -URL', ['-URL']],
    ['--no-tags --no-checkout --bare URL', ['URL']],
    ['--depth', []],
  ])('%s', (line, expected) => expect(found(line)).toEqual(expected));
});

test.each([
  ['up --prune', ['up']],
  ['-j 4 --all', []],
  ['--negotiation-tip main -o x up main', ['up', 'main']],
  ['-p up', ['up']],
])('the words of git fetch that are no options: %s', (line, expected) =>
  expect(found(line, FETCH_OPTIONS)).toEqual(expected),
);

test('values are never taken for operands, wherever the options stand', () => {
  const flag = fc.constantFrom(['-q'], ['--bare'], ['--no-tags'], ['--recurse-submodules=x']);
  const valued = fc.constantFrom(
    ...CLONE_OPTIONS.long.flatMap((name) => [[`--${name}`, 'VALUE'], [`--${name}=VALUE`]]),
    ...CLONE_OPTIONS.short.split('').flatMap((letter) => [[`-${letter}`, 'VALUE'], [`-${letter}VALUE`]]),
  );
  const operand = fc.constantFrom(['URL'], ['DIR']);
  fc.assert(
    fc.property(fc.array(fc.oneof(flag, valued, operand)), (groups) => {
      const words = groups.flat();
      expect(operands(words, CLONE_OPTIONS).map((at) => words[at])).toEqual(
        words.filter((word) => word === 'URL' || word === 'DIR'),
      );
    }),
  );
});

describe('the command of a command line', () => {
  test.each([
    ['git fetch', 'fetch'],
    ['/usr/bin/git fetch --all origin', 'fetch'],
    ['git.exe ls-remote fetch', 'ls-remote'],
    ['git -C fetch ls-remote origin', 'ls-remote'],
    ['git -c alias.x=fetch --git-dir fetch --no-pager -p clone fetch', 'clone'],
    ['git --git-dir=x --exec-path=/x remote show origin', 'remote'],
    ['/usr/lib/git-core/git-fetch origin', 'fetch'],
    ['git', null],
    ['git --version', null],
    ['node fetch', null],
    ['', null],
  ])('%s', (line, expected) => expect(commandName(line.split(' '))).toBe(expected));
});
