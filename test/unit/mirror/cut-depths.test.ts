import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Position } from '../../../src/mirror/cut.ts';
import { cutDepths } from '../../../src/mirror/cut-depths.ts';

/** A history of so many commits, one behind the other, which counts the questions. */
function history(length: number) {
  const asked: number[] = [];
  const positionOf = async (depth: number): Promise<Position> => {
    asked.push(depth);
    return depth <= length ? 'within' : 'before';
  };
  return { asked, positionOf };
}

test('a history is cut into parts of which none has more than two sevenths of its steps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 8, max: 262_143 }), async (length) => {
      const { asked, positionOf } = history(length);
      const depths = await cutDepths(positionOf);
      expect(depths).toEqual(depths.toSorted((a, b) => b - a));
      const ends = [length, ...depths.filter((depth) => depth < length), 0];
      const parts = ends.slice(1).map((end, index) => (ends[index] ?? 0) - end);
      expect(Math.max(...parts) / length).toBeLessThanOrEqual(2 / 7);
      expect(asked.length).toBeLessThanOrEqual(9);
    }),
  );
});

test('one of a few steps is not cut', async () => {
  expect(await cutDepths(history(7).positionOf)).toEqual([]);
});

test('one without end is cut all the same', async () => {
  expect(await cutDepths(history(1e9).positionOf)).toHaveLength(7);
});

test('whatever a server answers, it is asked a few times, and every depth is one that can be asked for', async () => {
  const position = fc.constantFrom<Position>('after', 'within', 'before');
  await fc.assert(
    fc.asyncProperty(fc.array(position, { minLength: 9, maxLength: 9 }), async (answers) => {
      let asked = 0;
      const depths = await cutDepths(async (depth) => {
        expect(Number.isSafeInteger(depth) && depth > 0).toBe(true);
        return answers[asked++] ?? 'after';
      });
      expect(asked).toBeLessThanOrEqual(9);
      for (const depth of depths) expect(Number.isSafeInteger(depth) && depth > 0).toBe(true);
    }),
  );
});
