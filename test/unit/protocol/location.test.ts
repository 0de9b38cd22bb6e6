import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLocation, pointAt, writeLocation } from '../../../src/protocol/location.ts';

const latitude = fc.double({ min: -90, max: 90, noNaN: true });
const longitude = fc.double({ min: -180, max: 180, noNaN: true });

describe('parseLocation', () => {
  test('reads what writeLocation() writes, of every place', () => {
    fc.assert(
      fc.property(latitude, longitude, (north, east) => {
        const place = pointAt(north, east);
        expect(place).not.toBeNull();
        if (place === null) return;
        expect(parseLocation(writeLocation(place))).toStrictEqual(place);
        expect(Math.abs(place.latitude - north)).toBeLessThan(0.0001);
        expect(Math.abs(place.longitude - east)).toBeLessThan(0.0001);
      }),
    );
    expect(writeLocation({ latitude: -0.5, longitude: 0, country: null })).toBe('-0.5,0');
    expect(parseLocation('-0,-0.0')).toStrictEqual({ latitude: 0, longitude: 0, country: null });
  });

  test('takes a country for its middle, in capitals or not, and writes its code', () => {
    expect(parseLocation('DE')).toStrictEqual({ latitude: 51, longitude: 10, country: 'DE' });
    expect(parseLocation(' nz ')).toStrictEqual({ latitude: -41, longitude: 174, country: 'NZ' });
    const codes = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('').flatMap((a, _, all) => all.map((b) => a + b));
    const places = codes.map(parseLocation).filter((place) => place !== null);
    expect(places).toHaveLength(249);
    for (const place of places) {
      expect(pointAt(place.latitude, place.longitude)).not.toBeNull();
      expect(parseLocation(writeLocation(place))).toStrictEqual(place);
    }
  });

  test('makes nothing of what is no place, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const place = parseLocation(text);
        if (place !== null) expect(parseLocation(writeLocation(place))).toStrictEqual(place);
      }),
    );
    const nowhere =
      '|XX|UK|D|DEU|51|51,|,10|51 10|90.1,0|-91,0|0,180.001|0,-181|NaN,0|0,Infinity|1e1,2|0x1,2|1,2,3|51,10;DE|++1,2|.5,1';
    for (const text of nowhere.split('|')) expect(parseLocation(text), text).toBeNull();
    fc.assert(
      fc.property(fc.double(), fc.double(), (north, east) => {
        const isPlace = Math.abs(north) <= 90 && Math.abs(east) <= 180;
        expect(pointAt(north, east) !== null).toBe(isPlace);
      }),
    );
  });
});
