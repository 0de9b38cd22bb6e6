import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Mirror } from '../../../src/mirror/mirror.ts';
import {
  fastestRival,
  isFarSlower,
  isResting,
  isSuccessor,
  lineUp,
  outpacedReason,
} from '../../../src/mirror/outpaced.ts';

const rate = fc.double({ min: 1, max: 1e10, noNaN: true });
const mirrors = fc
  .array(
    fc.record({
      rate: fc.option(rate),
      resting: fc.boolean(),
      refusal: fc.option(fc.constant('no')),
      preferred: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  .map((all) =>
    all.map(
      (one, index): Mirror => ({ ...one, url: `https://m${index}/r`, site: `m${index}`, source: 'config' }),
    ),
  );

/** Mirrors of which some were left, each for another, as a run leaves them: one after the other. */
const run = fc.tuple(mirrors, fc.array(fc.nat(), { maxLength: 4 })).map(([all, choices]) => {
  const left = new Map<Mirror, Mirror>();
  for (const choice of choices) {
    const mirror = all[choice % Math.max(all.length, 1)];
    if (mirror === undefined || left.has(mirror)) continue;
    const rival = fastestRival(
      all.filter((one) => one !== mirror),
      left,
    );
    if (rival !== null) left.set(mirror, rival.mirror);
  }
  return { all, left };
});

test('far slower is less than the other, and the more so the slower', () => {
  fc.assert(
    fc.property(rate, rate, rate, (own, slower, known) => {
      const rival = { mirror: {} as Mirror, rate: known };
      if (isFarSlower(own, rival)) expect(own).toBeLessThan(known);
      if (isFarSlower(own, rival) && slower <= own) expect(isFarSlower(slower, rival)).toBe(true);
      // Nobody is left for one that would be left for him.
      expect(isFarSlower(own, rival) && isFarSlower(known, { ...rival, rate: own })).toBe(false);
    }),
  );
});

describe('who is turned to', () => {
  test('has a known rate, which no other has a better one than, and neither rests nor is refused nor was left', () => {
    fc.assert(
      fc.property(run, ({ all, left }) => {
        const rival = fastestRival(all, left);
        const may = all.filter((one) => one.refusal === null && one.rate !== null && !isResting(one, left));
        if (rival === null) expect(may).toEqual([]);
        else {
          expect(may).toContain(rival.mirror);
          expect(rival.rate).toBe(Math.max(...may.map((one) => one.rate ?? 0)));
        }
      }),
    );
  });

  test('has been left by nobody in the end: as often as mirrors may be left, one stays', () => {
    fc.assert(
      fc.property(mirrors, (all) => {
        const left = new Map<Mirror, Mirror>();
        let line = all;
        for (let turns = 0; ; turns += 1) {
          expect(turns).toBeLessThanOrEqual(all.length);
          const [mirror, ...others] = line;
          const rival = mirror === undefined ? null : fastestRival(others, left);
          if (mirror === undefined || rival === null || left.has(mirror)) break;
          left.set(mirror, rival.mirror);
          line = lineUp([...others, mirror], left);
          expect(line[0]).toBe(rival.mirror);
        }
        if (all.length > 0) expect(left.size).toBeLessThan(all.length);
      }),
    );
  });
});

test('the line keeps everybody, successors first, the left and then those that failed last, else as they were', () => {
  fc.assert(
    fc.property(run, ({ all, left }) => {
      const line = lineUp(all, left);
      expect(new Set(line)).toEqual(new Set(all));
      expect(line).toHaveLength(all.length);
      expect(lineUp(line, left)).toEqual(line);
      const resting = line.findIndex((one) => isResting(one, left) && !isSuccessor(one, left));
      if (resting >= 0) expect(line.slice(resting).every((one) => isResting(one, left))).toBe(true);
      const last = line.findLastIndex((one) => isSuccessor(one, left));
      expect(line.slice(0, last + 1).every((one) => isSuccessor(one, left))).toBe(true);
      const others = (of: readonly Mirror[]) =>
        of.filter((one) => !isResting(one, left) && !isSuccessor(one, left));
      expect(others(line)).toEqual(others(all));
      if (left.size === 0 && all.every((one) => !one.resting)) expect(line).toEqual(all);
    }),
  );
});

test('the reason names the other one and both rates, and no secret', () => {
  const mirror = { url: 'https://me:secret@eu.example:8443/r' } as Mirror;
  expect(outpacedReason(80_000.4, { mirror, rate: 4_100_000 })).toBe(
    'far slower than eu.example:8443 is known to be (78.1 KiB/s, 3.9 MiB/s)',
  );
});
