import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  backsOffUntil,
  faded,
  type Measure,
  type Observation,
  observe,
} from '../../../src/mirror/measure.ts';
import { parseMeasure } from '../../../src/mirror/stored-measure.ts';

const DAY = 86_400_000;
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Infinity, -1, 0, 1e300));
const seen: fc.Arbitrary<Observation> = fc.oneof(
  number.map((ms) => ({ kind: 'greeting' as const, ms })),
  fc.tuple(number, number).map(([bytes, ms]) => ({ kind: 'pack' as const, bytes, ms })),
  fc.tuple(number, number).map(([share, bytes]) => ({ kind: 'hit' as const, share, bytes })),
  fc.constant({ kind: 'miss' as const }),
  fc.string({ maxLength: 400 }).map((reason) => ({ kind: 'failure' as const, reason })),
  fc
    .tuple(fc.option(number), fc.option(number))
    .map(([lag, lagSeconds]) => ({ kind: 'checked' as const, lag, lagSeconds })),
);
// Clocks jump, back as well.
const history = fc.array(fc.tuple(seen, fc.integer({ min: 0, max: 100 * 365 * DAY })), { minLength: 1 });

function remember(events: readonly (readonly [Observation, number])[]): Measure | null {
  return events.reduce<Measure | null>((measure, [event, at]) => observe(measure, event, at), null);
}

function numbers(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbers) : [];
}

describe('a measure', () => {
  test('holds numbers that are neither negative nor endless, whatever was seen and whenever', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 200 * 365 * DAY }), (events, now) => {
        const measure = remember(events) as Measure;
        for (const value of numbers([measure, faded(measure, now)])) {
          expect(Number.isFinite(value)).toBe(true);
          expect(value).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('comes back from JSON as it was', () => {
    fc.assert(
      fc.property(history, (events) => {
        const measure = remember(events);
        expect(parseMeasure(JSON.parse(JSON.stringify(measure)))).toEqual(measure);
      }),
    );
  });

  test('that was damaged is no measure', () => {
    const whole = remember([[{ kind: 'greeting', ms: 5 }, DAY]]) as Measure;
    const damage = fc.oneof(fc.jsonValue(), fc.constantFrom(undefined, -1, Number.NaN));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(whole)), damage, (key, value) => {
        const read = parseMeasure({ ...whole, [key]: value });
        if (read === null) return;
        for (const one of numbers(observe(read, { kind: 'miss' }, 2 * DAY))) {
          expect(one).toBeGreaterThanOrEqual(0);
        }
      }),
    );
    for (const value of [null, [], {}, 7, 'x', { ...whole, latency: 3 }, { ...whole, at: -1 }])
      expect(parseMeasure(value)).toBeNull();
  });

  test('follows a line that has become slower, sooner the longer ago the old one was seen', () => {
    const fast = remember(Array.from({ length: 20 }, () => [{ kind: 'greeting', ms: 10 }, 0] as const));
    const soon = observe(fast, { kind: 'greeting', ms: 1000 }, 60_000);
    const later = observe(fast, { kind: 'greeting', ms: 1000 }, 3 * DAY);
    expect(soon.latency.value).toBeLessThan(100);
    expect(later.latency.value).toBeGreaterThan(700);
  });

  test('takes the rate from long packs: a few packets that arrive together say nothing of it', () => {
    const measure = remember([
      [{ kind: 'pack', bytes: 10 * 2 ** 20, ms: 5000 }, 0],
      [{ kind: 'pack', bytes: 500, ms: 0 }, 0],
    ]) as Measure;
    expect(measure.rate).toEqual({ bytes: 10 * 2 ** 20, ms: 5000 });
  });
});

describe('backing off', () => {
  const failing = (times: number, at = DAY) =>
    remember(Array.from({ length: times }, () => [{ kind: 'failure', reason: 'hung up' }, at] as const));

  test('begins at half a minute, grows with every failure in a row, and ends after an hour', () => {
    const waits = [1, 2, 3, 4, 8, 20].map(
      (times) => (backsOffUntil(failing(times) as Measure, DAY) ?? 0) - DAY,
    );
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 3_600_000, 3_600_000]);
    expect(backsOffUntil(failing(1) as Measure, DAY + 30_000)).toBeNull();
  });

  test('doubles with one more failure, up to an hour apart, and never shrinks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3_600_000 }), { minLength: 1, maxLength: 30 }),
        (gaps) => {
          let measure: Measure | null = null;
          let [now, wait] = [DAY, 0];
          for (const gap of gaps) {
            now += gap;
            measure = observe(measure, { kind: 'failure', reason: 'x' }, now);
            const next = (backsOffUntil(measure, now) ?? 0) - now;
            expect(next).toBeGreaterThanOrEqual(wait);
            if (wait < 3_600_000) expect(next).toBe(wait === 0 ? 30_000 : Math.min(2 * wait, 3_600_000));
            wait = next;
          }
        },
      ),
    );
  });

  test('is over with a success, forgiven after days, and not in force for a failure in the future', () => {
    const five = failing(5) as Measure;
    expect(observe(five, { kind: 'miss' }, DAY).failures).toBe(0);
    expect(observe(five, { kind: 'failure', reason: 'x' }, 9 * DAY).failures).toBe(1);
    expect(backsOffUntil(five, DAY - 1)).toBeNull();
  });

  test('does not begin anew with a greeting: a mirror may greet and break off each time', () => {
    const greeted = observe(failing(3), { kind: 'greeting', ms: 3 }, DAY);
    expect(observe(greeted, { kind: 'failure', reason: 'x' }, DAY).failures).toBe(4);
  });
});
