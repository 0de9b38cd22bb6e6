import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lagging } from '../../../src/replica/standing.ts';

const values = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', '3'));
const mapped = values.map((one) => new Map(Object.entries(one)));

test('where nothing moves, a member lags at what it has not, and at nothing else', () => {
  fc.assert(
    fc.property(mapped, mapped, (has, meant) => {
      const lags = lagging(has, meant, meant);
      expect(new Map(lags.map(({ ref }) => [ref, true]))).toEqual(
        new Map(['a', 'b', 'c'].flatMap((ref) => (has.get(ref) === meant.get(ref) ? [] : [[ref, true]]))),
      );
      for (const lag of lags)
        expect([lag.has, lag.meant]).toEqual([has.get(lag.ref) ?? null, meant.get(lag.ref) ?? null]);
    }),
  );
});

test('a push under way is no lag, wherever the member stands of its two ends', () => {
  fc.assert(
    fc.property(mapped, mapped, fc.boolean(), (before, after, isMoved) => {
      expect(lagging(isMoved ? after : before, before, after)).toEqual([]);
    }),
  );
});
