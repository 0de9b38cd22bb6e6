import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextStart } from '../../../src/mirror/pace.ts';

const pace = fc.record({
  raceWidth: fc.integer({ min: 1, max: 5 }),
  raceDelay: fc.integer({ min: 0, max: 1000 }),
  connectTimeout: fc.integer({ min: 4, max: 8000 }),
});
const run = fc.record({ started: fc.integer({ min: 0, max: 10_000 }), preferred: fc.boolean() });
const runs = fc.array(run, { maxLength: 6 });

test('the first starts at once, and later ones not before those before them', () => {
  fc.assert(
    fc.property(runs, pace, (running, how) => {
      const next = nextStart(running, how);
      if (running.length === 0) expect(next).toBe(Number.NEGATIVE_INFINITY);
      else expect(next).toBeGreaterThanOrEqual(Math.max(...running.map(({ started }) => started)));
    }),
  );
});

test('when the next starts, fewer than gam.raceWidth run that are not silent, and none that is preferred', () => {
  fc.assert(
    fc.property(runs, pace, (running, how) => {
      const next = nextStart(running, how);
      const lively = running.filter(({ started }) => started + how.connectTimeout / 4 > next);
      expect(lively.length).toBeLessThan(how.raceWidth);
      expect(lively.filter(({ preferred }) => preferred)).toEqual([]);
    }),
  );
});

test('silent mirrors, each started as soon as it may: all of a few have their chance within gam.connectTimeout', () => {
  fc.assert(
    fc.property(pace, fc.boolean(), (how, preferred) => {
      const running = [{ started: 0, preferred }];
      for (let count = 1; count < 4; count += 1)
        running.push({ started: nextStart(running, how), preferred: false });
      expect(running.at(-1)?.started).toBeLessThan(how.connectTimeout);
    }),
  );
});
