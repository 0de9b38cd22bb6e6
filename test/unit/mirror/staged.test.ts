import { describe, expect, test } from 'vitest';
import { parseStagedRefs, splitSwept } from '../../../src/mirror/staged.ts';
import { groupBySite } from '../../../src/mirror/unverified.ts';

const LINES = [
  'refs/mirror/a/heads/x 1 ',
  'refs/mirror/a/tags/t 2 1',
  'refs/mirror/b 3 ',
  'refs/mirror/b/heads/x/y 4 ',
];

describe('staged refs', () => {
  test('are those with a site and a name; others are not gam', () => {
    expect(parseStagedRefs(`${LINES.join('\n')}\n`)).toEqual([
      { name: 'refs/mirror/a/heads/x', oid: '1', peeled: '1', site: 'a' },
      { name: 'refs/mirror/a/tags/t', oid: '2', peeled: '1', site: 'a' },
      { name: 'refs/mirror/b/heads/x/y', oid: '4', peeled: '4', site: 'b' },
    ]);
  });

  test('go when the walk did not print what they lead to', () => {
    const staged = parseStagedRefs(LINES.join('\n'));
    const { gone, left } = splitSwept(staged, new Set(['1']));
    expect([gone.map((ref) => ref.oid), left.map((ref) => ref.oid)]).toEqual([['4'], ['1', '2']]);
    expect(groupBySite(left, new Map([['a', 'origin']]))).toEqual([
      {
        remote: 'origin',
        site: 'a',
        heads: 1,
        tags: 1,
        refs: ['refs/mirror/a/heads/x', 'refs/mirror/a/tags/t'],
      },
    ]);
  });
});
