import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChanges } from '../../../src/git/changes.ts';

// What git's own ls-files said; fixtures/changes/record.sh has the recipe.
const RECORDED = readFileSync(new URL('../../../fixtures/changes/changes.bin', import.meta.url), 'latin1');

const path = fc
  .string({
    unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    minLength: 1,
  })
  .filter((name) => !name.endsWith('/'));

describe('parseChanges', () => {
  test('reads what git has printed: names of any bytes, each once, and repositories within apart', () => {
    const { files, nested } = parseChanges(RECORDED);
    expect(nested).toEqual(['nested']);
    expect([...files].sort()).toEqual(
      [
        ' blank',
        '-q',
        '? new',
        'becomes-a-folder',
        'becomes-a-folder/file',
        'bytes \xff\xfe',
        'changed',
        'folder',
        'folder/was-a-file',
        'gone',
        'line\nend',
        'link',
      ].sort(),
    );
  });

  test('reads every name that a file can have, in the order in which they come', () => {
    const change = fc.record({
      letter: fc.constantFrom('C', 'R', '?', 'M', 'T'),
      path,
      isNested: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.uniqueArray(change, { selector: (one) => one.path }), (changes) => {
        const lines = changes.map(
          ({ letter, path: name, isNested }) => `${letter} ${name}${isNested ? '/' : ''}\0`,
        );
        const of = (wanted: boolean) =>
          changes.filter(({ isNested }) => isNested === wanted).map((one) => one.path);
        expect(parseChanges(lines.join(''))).toEqual({ files: of(false), nested: of(true) });
        // A deleted file is both changed and deleted.
        expect(parseChanges([...lines, ...lines].join(''))).toEqual({ files: of(false), nested: of(true) });
      }),
    );
  });

  test('has nothing to say of nothing', () => expect(parseChanges('')).toEqual({ files: [], nested: [] }));
});
