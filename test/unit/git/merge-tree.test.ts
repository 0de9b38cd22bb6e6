import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConflictEntry } from '../../../src/git/index-entry.ts';
import { parseTreeMerge } from '../../../src/git/merge-tree.ts';

// What git's own merge-tree said; fixtures/merge/record.sh has the recipe.
const recorded = (name: string) =>
  readFileSync(new URL(`../../../fixtures/merge/${name}.bin`, import.meta.url), 'latin1');

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: length, maxLength: length });
const anyPath = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
  minLength: 1,
});
const merge = fc.constantFrom(40, 64).chain((length) =>
  fc.record({
    tree: hex(length),
    conflicts: fc.array(
      fc.record({
        mode: fc.constantFrom('100644', '100755', '120000', '160000'),
        oid: hex(length),
        stage: fc.constantFrom(1 as const, 2 as const, 3 as const),
        path: anyPath,
      }),
    ),
  }),
);

function written({ tree, conflicts }: { tree: string; conflicts: readonly ConflictEntry[] }): string {
  return [
    tree,
    ...conflicts.map(({ mode, oid, stage, path }) => `${mode} ${oid} ${stage}\t${path}`),
    '',
  ].join('\0');
}

describe('parseTreeMerge', () => {
  test('reads what git has printed', () => {
    expect(parseTreeMerge(recorded('clean'), true)).toEqual({
      tree: '2c2c6422e2e5a6f16168eb795df411576c1a5597',
      isClean: true,
      conflicts: [],
    });
    const { conflicts, isClean } = parseTreeMerge(recorded('conflicts'), false);
    expect(isClean).toBe(false);
    expect(conflicts.map(({ path, stage }) => [path, stage])).toEqual([
      ...[1, 2, 3].map((stage) => ['a\nb \xff.txt', stage]),
      ['d~f037d1c6dc2b2bc99fcaf58f00b4ee77fb2d4234', 2],
      ...[1, 2, 3].map((stage) => ['f', stage]),
      ['gone', 1],
      ['gone', 2],
    ]);
    expect(conflicts[1]).toEqual({
      mode: '100755',
      oid: '43dd47ea691c90a5fa7827892c70241913351963',
      stage: 2,
      path: 'a\nb \xff.txt',
    });
  });

  test('reads every name that a file can have', () => {
    fc.assert(
      fc.property(merge, (made) => {
        expect(parseTreeMerge(written(made), false)).toEqual({ ...made, isClean: false });
      }),
    );
  });

  test('takes nothing that is cut off within a line', () => {
    fc.assert(
      fc.property(merge, fc.nat(), (made, at) => {
        const text = written(made);
        const cut = text.slice(0, at % text.length);
        fc.pre(!cut.endsWith('\0'));
        expect(() => parseTreeMerge(cut, false)).toThrow('cannot read');
      }),
    );
    for (const text of [
      '',
      '\0',
      'fatal: no\0',
      `${'0'.repeat(40)}\0\0`,
      `${'0'.repeat(40)}\x00100644 12 2\tf\0`,
    ])
      expect(() => parseTreeMerge(text, false)).toThrow('cannot read');
  });
});
