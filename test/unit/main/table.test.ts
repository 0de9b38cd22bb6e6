import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeTable } from '../../../src/main/table.ts';

describe('writeTable', () => {
  test('on a terminal never goes beyond its width', () => {
    const cell = fc.stringMatching(/^[ -~]{0,120}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell)), fc.integer({ min: 40, max: 200 }), (rows, width) => {
        for (const line of writeTable(['A', 'B', 'C'], rows, width))
          expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('piped cuts nothing and aligns all columns', () => {
    const long = 'x'.repeat(300);
    expect(
      writeTable(
        ['A', 'B'],
        [
          ['1', long],
          ['long', ''],
        ],
        null,
      ),
    ).toEqual(['A     B', `1     ${long}`, 'long']);
  });
});
