import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fetchedFrom, isFetched, storedAs } from '../../../src/protocol/refspec.ts';

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

describe('a refspec reversed', () => {
  const side = fc.tuple(name, fc.constantFrom('', '/'), part, fc.constantFrom('', '-x', '/head'));

  test('leads back to where a ref came from', () => {
    fc.assert(
      fc.property(side, side, name, ([source, slash, middle, end], [target, between, , last], other) => {
        const stem = `${middle}${slash}${middle}`;
        const spec = `+${source}/*${end}:${target}${between}*${last}`;
        const from = `${source}/${stem}${end}`;
        const to = `${target}${between}${stem}${last}`;
        expect(fetchedFrom(to, [spec])).toBe(from);
        expect(storedAs(from, [spec])).toEqual([to]);
        expect(storedAs(from, [spec, spec.slice(1), `${source}/*${end}`])).toEqual([to, to]);
        expect(storedAs(from, [spec, `^${from}`])).toEqual([]);
        // What else is configured, for refs elsewhere, changes nothing.
        expect(
          fetchedFrom(to, ['refs/elsewhere/*:refs/overthere/*', 'refs/elsewhere:refs/overthere', spec]),
        ).toBe(from);
        expect(fetchedFrom(to, [spec, `^${from}`])).toBe(null);
        expect(fetchedFrom(`${source}-not/${other}`, [`${other}:${target}`])).toBe(null);
        expect(fetchedFrom(target, [`${source}:${target}`])).toBe(source);
      }),
    );
  });

  test.each([
    ['refs/remotes/o/main', ['+refs/heads/*:refs/remotes/o/*'], 'refs/heads/main'],
    ['refs/remotes/o/a$&b', ['+refs/heads/*:refs/remotes/o/*'], 'refs/heads/a$&b'],
    ['refs/heads/main', ['+refs/*:refs/*'], 'refs/heads/main'],
    [
      'refs/remotes/p/7',
      ['+refs/heads/*:refs/remotes/o/*', '+refs/pull/*/head:refs/remotes/p/*'],
      'refs/pull/7/head',
    ],
    ['refs/remotes/o/x', ['refs/heads/x:refs/remotes/o/x', 'refs/tags/*:refs/remotes/o/*'], 'refs/heads/x'],
    ['refs/remotes/o/wip-1', ['refs/heads/*:refs/remotes/o/*', '^refs/heads/wip-*'], null],
    ['refs/heads/mine', ['+refs/heads/*:refs/remotes/o/*'], null],
    ['refs/remotes/o/main', ['main:refs/remotes/o/main', 'HEAD', 'refs/heads/main', ''], null],
    ['refs/remotes/o/main', ['refs/heads/*:refs/remotes/o/main', 'refs/heads/main:refs/remotes/o/*'], null],
  ])('%s by %j: %s', (one, refspecs, expected) => expect(fetchedFrom(one, refspecs)).toBe(expected));
});
