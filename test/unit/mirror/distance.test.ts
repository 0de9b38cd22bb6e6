import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distanceBetween, formatDistance, latencyOver } from '../../../src/mirror/distance.ts';
import type { Location } from '../../../src/protocol/location.ts';

const HALF_WAY_ROUND = Math.PI * 6371;

const place = fc
  .tuple(fc.double({ min: -90, max: 90, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true }))
  .map(([latitude, longitude]): Location => ({ latitude, longitude, country: null }));
const at = (latitude: number, longitude: number): Location => ({ latitude, longitude, country: null });

describe('distanceBetween', () => {
  test('is the same both ways, nothing to the same place, and never more than half way round', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const distance = distanceBetween(one, other);
        expect(distance).toBeGreaterThanOrEqual(0);
        expect(distance).toBeLessThanOrEqual(HALF_WAY_ROUND);
        expect(distanceBetween(other, one)).toBeCloseTo(distance, 6);
        expect(distanceBetween(one, one)).toBe(0);
        const opposite = at(-one.latitude, one.longitude > 0 ? one.longitude - 180 : one.longitude + 180);
        expect(distanceBetween(one, opposite)).toBeCloseTo(HALF_WAY_ROUND, 0);
      }),
    );
  });

  test('obeys the triangle', () => {
    fc.assert(
      fc.property(place, place, place, (one, other, third) => {
        const round = distanceBetween(one, third) + distanceBetween(third, other);
        expect(distanceBetween(one, other)).toBeLessThanOrEqual(round + 0.001);
      }),
    );
  });

  test('is what an atlas says', () => {
    const [berlin, york, tokyo] = [at(52.52, 13.405), at(40.71, -74.006), at(35.69, 139.69)];
    expect(distanceBetween(berlin, york)).toBeCloseTo(6385, -1);
    expect(distanceBetween(berlin, tokyo)).toBeCloseTo(8918, -1);
    // Over the date line, not round the other way.
    expect(distanceBetween(at(-18, 178), at(-18, -178))).toBeLessThan(450);
  });
});

describe('latencyOver', () => {
  test('grows with the distance, and stays within what lines take', () => {
    fc.assert(
      fc.property(place, place, place, (one, other, third) => {
        const [near, far] = [distanceBetween(one, other), distanceBetween(one, third)].sort((a, b) => a - b);
        expect(latencyOver(near as number)).toBeLessThanOrEqual(latencyOver(far as number));
        expect(latencyOver(far as number)).toBeLessThan(350);
      }),
    );
    expect(latencyOver(0)).toBeGreaterThan(0);
  });
});

describe('formatDistance', () => {
  test.each([
    [0, '0 km'],
    [3.4, '3.4 km'],
    [384, '380 km'],
    [6385, '6400 km'],
    [20015, '20000 km'],
  ])('writes %d as %s', (distance, text) => {
    expect(formatDistance(distance)).toBe(text);
  });
});
