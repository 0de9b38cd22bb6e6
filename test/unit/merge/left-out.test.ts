import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findLeftOut, type MergedTrees } from '../../../src/merge/left-out.ts';
import type { FlatTree } from '../../../src/merge/trees.ts';

const tree = (files: Readonly<Record<string, string>>): FlatTree =>
  new Map(Object.entries(files).map(([path, oid]) => [path, { mode: '100644', oid }]));
const none = [new Map<string, string>()];

/** Paths that are left out; what the second side has renamed is named as `<old> <new>`. */
function leftOut(
  [base, one, two, merged]: readonly Record<string, string>[],
  renamed: readonly string[] = [],
): string[] {
  const renames = [none, [new Map(renamed.map((pair) => pair.split(' ') as [string, string]))]] as const;
  const trees = [tree(one ?? {}), tree(two ?? {})] as const;
  return findLeftOut({ trees, bases: [tree(base ?? {})], merged: tree(merged ?? {}), renames }).map(
    ({ path, side, targets }) => [path, side, ...targets].join(' '),
  );
}

describe('what a merge has left out', () => {
  test('is a change of a file that was copied on one side, and renamed on the other', () => {
    const files = [{ p: '1' }, { p: '2', q: '1' }, { q: '1' }, { q: '1' }];
    expect(leftOut(files, ['p q'])).toEqual(['p 0 q']);
    expect(leftOut(files)).toEqual(['p 0']);
  });

  test('is not what went into the file under its new name, or lies under another one', () => {
    expect(leftOut([{ p: '1' }, { p: '2' }, { q: '3' }, { q: '4' }], ['p q'])).toEqual([]);
    expect(leftOut([{ p: '1' }, { p: '2' }, { q: '1' }, { q: '2' }], ['p q'])).toEqual([]);
    expect(leftOut([{ p: '1' }, { p: '2' }, {}, { 'p.conflict': '2' }])).toEqual([]);
  });

  test('is not what one side has deleted, and the other left as it was', () => {
    expect(leftOut([{ p: '1' }, { p: '1' }, {}, {}])).toEqual([]);
  });

  test('is never what is in the merge, on both sides, or in an ancestor, and else everything', () => {
    const files = fc
      .dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', '3', '4', '5'))
      .map(tree);
    fc.assert(
      fc.property(
        fc.tuple(files, files),
        fc.array(files, { maxLength: 2 }),
        files,
        (trees, bases, merged) => {
          const given: MergedTrees = { trees, bases, merged, renames: [none, none] };
          const found = new Set(findLeftOut(given).map(({ path, side }) => `${side} ${path}`));
          const contents = new Set([...merged.values()].map(({ oid }) => oid));
          for (const side of [0, 1] as const)
            for (const [path, { oid }] of trees[side]) {
              const isThere = merged.has(path) || contents.has(oid);
              const isOld = bases.some((base) => base.get(path)?.oid === oid);
              const isOfBoth = trees[side === 0 ? 1 : 0].has(path);
              expect(found.has(`${side} ${path}`)).toBe(!isThere && !isOld && !isOfBoth);
            }
        },
      ),
    );
  });
});
