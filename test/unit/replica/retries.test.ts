import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Retries } from '../../../src/replica/retries.ts';

/** The longest pause there is, with all that chance may add to it. */
const LONGEST_MS = 300_000 * 1.25;

test('what fails is tried again after pauses that grow, without end', () => {
  const retries = new Retries();
  let now = 0;
  const pauses: number[] = [];
  for (let tries = 0; tries < 30; tries += 1) {
    retries.failed('co', ['eu-1'], now);
    const failed = now;
    while (!retries.isDue('co', ['eu-1'], now)) now += 50;
    pauses.push(now - failed);
  }
  expect(pauses[0]).toBeLessThan(1000);
  expect(pauses[5]).toBeGreaterThan(5 * (pauses[0] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(LONGEST_MS + 50);
  expect(Math.min(...pauses.slice(-5))).toBeGreaterThan(LONGEST_MS / 2);
});

test('what is noted anew is tried at once, however long the pause is, and other members are not held up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.boolean(), (failures, again) => {
      const retries = new Retries(again);
      for (let n = 0; n < failures; n += 1) retries.failed('co', ['eu-1'], 0);
      retries.know('co', ['merged']);
      expect(retries.isDue('co', ['merged', 'eu-1'], 0)).toBe(false);
      expect(retries.isDue('co', ['merged', 'eu-2'], 0)).toBe(true);
      expect(retries.isDue('mo', ['eu-1'], 0)).toBe(true);
      expect(retries.isDue('co', ['merged'], 2 * LONGEST_MS)).toBe(again);
      retries.done('co');
      expect(retries.isDue('co', ['merged'], 0)).toBe(true);
    }),
  );
});
