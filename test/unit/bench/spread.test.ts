import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ratiosOf, spreadOf } from '../../bench/measure/spread.ts';

const VALUES = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 });

describe('the spread of measurements', () => {
  test('is that of the textbook', () => {
    expect(spreadOf([7])).toEqual({ least: 7, lower: 7, median: 7, upper: 7, most: 7 });
    expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ least: 1, lower: 2, median: 3, upper: 4, most: 5 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ least: 1, lower: 1.75, median: 2.5, upper: 3.25, most: 4 });
  });

  test('does not depend on the order, and half of the values lie on each side of the median', () => {
    fc.assert(
      fc.property(VALUES, (values) => {
        const spread = spreadOf(values);
        expect(spreadOf(values.toReversed())).toEqual(spread);
        const { least, lower, median, upper, most } = spread;
        expect([least, lower, median, upper, most].toSorted((a, b) => a - b)).toEqual(Object.values(spread));
        expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  test('of ratios is free of what slowed whole rounds down', () => {
    fc.assert(
      fc.property(VALUES, fc.integer({ min: 2, max: 9 }), (base, factor) => {
        const ratios = ratiosOf(
          base.map((value) => value * factor),
          base,
        );
        expect(ratios).toEqual(spreadOf([factor]));
      }),
    );
    expect(ratiosOf([1, 2], [0, 1])).toBeNull();
  });
});
