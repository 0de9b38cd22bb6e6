import { describe, expect, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import { findPair } from '../../../src/sync/pair.ts';

const entries = (...lines: [key: string, value: string][]) =>
  parseConfigList(lines.map(([key, value]) => `${key}\n${value}\0`).join(''));
const ORIGIN: [string, string] = ['remote.origin.url', '/o'];
const FORK: [string, string] = ['remote.fork.url', '/f'];
const onFork: [string, string] = ['branch.main.remote', 'fork'];
const asTrunk: [string, string] = ['branch.main.merge', 'refs/heads/trunk'];

describe('findPair', () => {
  test.each([
    ['origin, and the same name', [FORK, ORIGIN], {}, 'origin', 'refs/heads/main'],
    ['the only one', [FORK], {}, 'fork', 'refs/heads/main'],
    ['what is set for the branch', [ORIGIN, FORK, onFork, asTrunk], {}, 'fork', 'refs/heads/trunk'],
    [
      'another remote: its name there is another matter',
      [ORIGIN, FORK, onFork, asTrunk],
      { remote: 'origin' },
      'origin',
      'refs/heads/main',
    ],
    ['another branch', [ORIGIN, FORK, onFork, asTrunk], { branch: 'side' }, 'origin', 'refs/heads/side'],
    [
      'a branch on top of one here',
      [ORIGIN, ['branch.main.remote', '.'], asTrunk],
      {},
      'origin',
      'refs/heads/main',
    ],
  ] as [string, [string, string][], { remote?: string; branch?: string }, string, string][])(
    '%s',
    (_, lines, named, remote, remoteRef) =>
      expect(findPair(entries(...lines), 'main', named)).toMatchObject({ remote, remoteRef }),
  );

  test('a branch whose remote is gone is not exchanged with another one', () => {
    expect(() => findPair(entries(ORIGIN, onFork), 'main', {})).toThrow("no remote 'fork' with a URL");
  });
});
