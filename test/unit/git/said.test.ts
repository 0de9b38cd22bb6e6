import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reasonIn, remoteWords } from '../../../src/git/said.ts';

describe('reasonIn', () => {
  test.each([
    [
      'a path',
      "fatal: 'x.git' does not appear to be a git repository\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n",
      "'x.git' does not appear to be a git repository",
    ],
    [
      'ssh',
      'ssh: connect to host h port 22: Connection refused\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n',
      'ssh: connect to host h port 22: Connection refused',
    ],
    ['a hook here', "not on a Friday\nerror: failed to push some refs to 'http://h/x'\n", 'not on a Friday'],
    [
      'http',
      "remote: no such project\nfatal: repository 'http://me:pw@h/x/' not found\n",
      "repository 'http://h/x/' not found",
    ],
    ['progress', 'Receiving objects:  50% (1/2)\rfatal: early EOF\n', 'early EOF'],
    [
      'nothing else',
      'fatal: Could not read from remote repository.\n',
      'Could not read from remote repository.',
    ],
    ['nothing', '\n', 'it said nothing'],
  ])('%s', (_, stderr, reason) => expect(reasonIn(stderr)).toBe(reason));

  test('is one line, without a password, whatever was said', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const reason = reasonIn(`${before}\nfatal: https://me:hidden@h/x\n${after}`);
        expect(reason).not.toMatch(/[\r\n\u001b]|hidden/);
        expect(reason).not.toBe('');
      }),
    );
  });
});

describe('remoteWords', () => {
  test.each([
    [
      'remote: Resolving deltas: 100% (1/1), done.\nremote: checking\nremote: no pushes today   \nTo x\n',
      'no pushes today',
    ],
    [
      "remote: error: cannot lock ref 'refs/heads/main': File exists.\nremote: remove the file\n",
      "cannot lock ref 'refs/heads/main': File exists.",
    ],
    ['remote: see https://me:pw@h/x\n', 'see https://h/x'],
    ['To x\n', null],
    ['remote: Resolving deltas: 100% (1/1), done.\n', null],
  ])('%j: %j', (stderr, words) => expect(remoteWords(stderr)).toBe(words));
});
