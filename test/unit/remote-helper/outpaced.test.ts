import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Mirror } from '../../../src/mirror/mirror.ts';
import { isFarSlower } from '../../../src/mirror/outpaced.ts';
import { Outpaced, packPatience } from '../../../src/remote-helper/outpaced.ts';

const SETTINGS = { lowSpeedLimit: 4096, lowSpeedTime: 10_000 };
const MIRROR = { url: 'https://fast.example/r' } as Mirror;

/** Reads of a pack: how long each was waited for, and what it brought. */
const reads = fc.array(
  fc.record({
    milliseconds: fc.double({ min: 0, max: 9000, noNaN: true }),
    bytes: fc.integer({ min: 1, max: 10 ** 7 }),
  }),
  { maxLength: 30 },
);
const rival = fc.double({ min: 1, max: 1e8, noNaN: true }).map((rate) => ({ mirror: MIRROR, rate }));

/** Spends one read after the other; what it was left for, and at which read. */
function spend(
  all: readonly { milliseconds: number; bytes: number }[],
  patience: ReturnType<typeof packPatience>,
): { at: number; error: unknown } | null {
  for (const [at, { milliseconds, bytes }] of all.entries()) {
    try {
      patience.spent(milliseconds, bytes);
    } catch (error) {
      return { at, error };
    }
  }
  return null;
}

test('a mirror is left at the end of the first stretch of waiting that was far too slow, and not before', () => {
  fc.assert(
    fc.property(reads, rival, (all, other) => {
      let expected: number | null = null;
      let [waited, bytes] = [0, 0];
      for (const [at, read] of all.entries()) {
        waited += read.milliseconds;
        bytes += read.bytes;
        if (waited < SETTINGS.lowSpeedTime) continue;
        if (isFarSlower((1000 * bytes) / waited, other)) {
          expected = at;
          break;
        }
        [waited, bytes] = [0, 0];
      }
      const left = spend(all, packPatience(other, SETTINGS));
      expect(left?.at ?? null).toBe(expected);
      if (left === null) return;
      // It tells whom to turn to, and what is to be remembered.
      expect(left.error).toBeInstanceOf(Outpaced);
      expect(left.error).toMatchObject({
        code: 'mirror-outpaced',
        tryElsewhere: true,
        rival: MIRROR,
        seen: { kind: 'pack', bytes, ms: waited },
      });
    }),
  );
});

test('who has no rival is never left, and how long nothing may come does not depend on one', () => {
  fc.assert(
    fc.property(reads, rival, (all, other) => {
      const alone = packPatience(null, SETTINGS);
      expect(spend(all, alone)).toBeNull();
      const compared = packPatience(other, SETTINGS);
      const left = spend(all, compared);
      const until = packPatience(null, SETTINGS);
      spend(all.slice(0, (left?.at ?? all.length) + 1), until);
      expect(compared.remaining()).toBe(until.remaining());
      expect(compared.complaint).toBe(alone.complaint);
    }),
  );
});
