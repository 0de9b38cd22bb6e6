import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Position } from '../../../src/mirror/cut.ts';
import { cutDates } from '../../../src/mirror/cut-dates.ts';

const YEAR = 365 * 24 * 3600;
const NOW = 1_700_000_000;

/** A history from its first commit to its last, in seconds since the epoch, which counts the questions. */
function history(first: number, last: number) {
  const asked: number[] = [];
  const positionOf = async (date: number): Promise<Position> => {
    asked.push(date);
    if (date > last) return 'after';
    return date > first ? 'within' : 'before';
  };
  return { asked, positionOf };
}

/** The largest share of a history's time that lies between two cuts. */
function largestShare(dates: readonly number[], first: number, last: number): number {
  const ends = [first, ...dates.filter((date) => date > first && date <= last), last];
  return Math.max(...ends.slice(1).map((end, index) => end - (ends[index] ?? 0))) / (last - first);
}

const years = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((age) => Math.round(age * YEAR));

test('a living history is cut into parts of which none has more than a quarter of its time', async () => {
  await fc.assert(
    fc.asyncProperty(years(0.3, 47), fc.nat({ max: 20 * 24 * 3600 }), async (age, idle) => {
      const { asked, positionOf } = history(NOW - age, NOW - idle);
      const dates = await cutDates(NOW, positionOf);
      expect(dates).toEqual(dates.toSorted((a, b) => a - b));
      expect(largestShare(dates, NOW - age, NOW - idle)).toBeLessThan(0.25);
      expect(asked.length).toBeLessThanOrEqual(13);
    }),
  );
});

test('one that ended long ago is cut, too, if it lasted as long as it is gone', async () => {
  await fc.assert(
    fc.asyncProperty(years(2, 20), fc.double({ min: 1, max: 20, noNaN: true }), async (gone, times) => {
      const first = NOW - Math.min(gone + Math.round(gone * times), 47 * YEAR);
      const { positionOf } = history(first, NOW - gone);
      const dates = await cutDates(NOW, positionOf);
      expect(largestShare(dates, first, NOW - gone)).toBeLessThan(0.4);
    }),
  );
});

test('whatever a server answers, it is asked a few times, and every date is one that can be asked for', async () => {
  const position = fc.constantFrom<Position>('after', 'within', 'before');
  await fc.assert(
    fc.asyncProperty(fc.array(position, { minLength: 13, maxLength: 13 }), async (answers) => {
      let asked = 0;
      const dates = await cutDates(NOW, async (date) => {
        expect(Number.isSafeInteger(date) && date > 0).toBe(true);
        return answers[asked++] ?? 'after';
      });
      expect(asked).toBeLessThanOrEqual(13);
      for (const date of dates) expect(Number.isSafeInteger(date) && date > 0 && date <= NOW).toBe(true);
    }),
  );
});

test('a history that is short beside its age is not cut', async () => {
  const { positionOf } = history(NOW - 10 * YEAR, NOW - 10 * YEAR + 3600);
  expect(await cutDates(NOW, positionOf)).toEqual([]);
});
