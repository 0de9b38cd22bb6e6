import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFetched } from '../../../src/protocol/refspec.ts';

const part = fc.stringMatching(/^[a-z]{1,6}$/);
const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `refs/${parts.join('/')}`);

describe('isFetched', () => {
  test.each([
    ['refs/heads/main', ['+refs/heads/*:refs/remotes/origin/*'], true],
    ['refs/heads/a/b', ['refs/heads/*:refs/remotes/origin/*'], true],
    ['refs/tags/v1', ['+refs/heads/*:refs/remotes/origin/*'], false],
    ['refs/heads/main', ['+refs/heads/main:refs/remotes/origin/main'], true],
    ['refs/heads/main2', ['+refs/heads/main:refs/remotes/origin/main'], false],
    ['refs/heads/wip-1', ['refs/heads/*:refs/x/*', '^refs/heads/wip-*'], false],
    ['refs/heads/wip', ['refs/heads/*:refs/x/*', '^refs/heads/wip-*'], true],
    ['refs/pull/7/head', ['+refs/pull/*/head:refs/remotes/pull/*'], true],
    ['refs/pull/7/merge', ['+refs/pull/*/head:refs/remotes/pull/*'], false],
    ['refs/pull/head', ['+refs/pull/*/head:refs/remotes/pull/*'], false],
    ['HEAD', ['HEAD', '+refs/heads/*:refs/x/*'], false],
    ['refs/heads/main', ['main:refs/x/main'], false],
    ['refs/heads/main', ['', '*'], false],
    ['refs/heads/main', [], false],
  ])('%s by %j: %s', (one, refspecs, expected) => expect(isFetched(one, refspecs)).toBe(expected));

  test('a pattern brings what stands for its `*`, and what a negative one names never comes', () => {
    fc.assert(
      fc.property(name, part, part, name, (before, middle, after, other) => {
        const pattern = `${before}/*/${after}`;
        const one = `${before}/${middle}/${after}`;
        expect(isFetched(one, [`+${pattern}:refs/x/*`])).toBe(true);
        expect(isFetched(one, [other, `${pattern}:refs/x/*`])).toBe(true);
        expect(isFetched(one, ['refs/*:refs/*', `^${pattern}`])).toBe(false);
        expect(isFetched(other, ['refs/*:refs/*', `^${other}`])).toBe(false);
        expect(isFetched(`${one}x`, [pattern])).toBe(false);
      }),
    );
  });
});
