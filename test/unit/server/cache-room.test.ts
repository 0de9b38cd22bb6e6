import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { leastNeeded } from '../../../src/server/cache-room.ts';

const copies = fc.array(fc.record({ bytes: fc.nat(100), used: fc.nat(20), isGone: fc.boolean() }));

test('nothing goes while there is room, and else everything may, what nobody can have first, then the longest unused', () => {
  fc.assert(
    fc.property(copies, fc.nat(500), (all, limit) => {
      const before = structuredClone(all);
      const order = leastNeeded(all, limit);
      expect(all).toEqual(before);
      const bytes = all.reduce((sum, copy) => sum + copy.bytes, 0);
      expect(order).toHaveLength(bytes > limit ? all.length : 0);
      for (const [index, copy] of order.entries()) {
        const next = order[index + 1];
        if (next === undefined) continue;
        expect(copy.isGone || !next.isGone).toBe(true);
        if (copy.isGone === next.isGone) expect(copy.used).toBeLessThanOrEqual(next.used);
      }
    }),
  );
});
