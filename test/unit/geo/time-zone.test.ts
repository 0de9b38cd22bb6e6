import { existsSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeOfTimeZone, placeOfZone } from '../../../src/geo/time-zone.ts';

// Rows as tzdata has them: two forms of coordinates, more than one country, comments.
const TABLE = [
  '# tzdb timezone descriptions',
  '#codes\tcoordinates\tTZ\tcomments',
  'DE,DK,NO,SE,SJ\t+5230+01322\tEurope/Berlin\tmost of Germany',
  'US\t+404251-0740023\tAmerica/New_York\tEastern (most areas)',
  'AU\t-3352+15113\tAustralia/Sydney',
  'AD\tnowhere\tEurope/Andorra',
  'XX\t+9900+00000\tEurope/Nowhere',
].join('\n');

describe('placeOfZone', () => {
  test.each([
    ['Europe/Berlin', 52.5, 13.3667],
    ['America/New_York', 40.7142, -74.0064],
    ['Australia/Sydney', -33.8667, 151.2167],
  ])('finds %s', (zone, latitude, longitude) => {
    expect(placeOfZone(TABLE, zone)).toEqual({ latitude, longitude, country: null });
  });

  test.each(['UTC', 'Europe', 'most of Germany', 'TZ', '', 'Europe/Andorra', 'Europe/Nowhere'])(
    'finds nothing for %j',
    (zone) => expect(placeOfZone(TABLE, zone)).toBeNull(),
  );

  test('of any table and any zone makes a place or nothing', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'AZ+-0123456789\t\n#/'.split('')) }),
        fc.string(),
        (table, zone) => {
          const place = placeOfZone(`${table}\tx\n`, zone);
          expect(place === null || Math.abs(place.latitude) <= 90).toBe(true);
        },
      ),
    );
    expect(placeOfZone('', 'Europe/Berlin')).toBeNull();
  });
});

describe.skipIf(!existsSync('/usr/share/zoneinfo/zone.tab'))('placeOfTimeZone', () => {
  test.each([
    'Europe/Berlin',
    ':Europe/Berlin',
    '/usr/share/zoneinfo/Europe/Berlin',
    ':/var/db/timezone/zoneinfo/Europe/Berlin',
  ])('finds where TZ=%s is', (TZ) => {
    expect(placeOfTimeZone({ TZ })).toMatchObject({ latitude: 52.5 });
  });

  test('knows zones by their old names and by their new ones', () => {
    expect(placeOfTimeZone({ TZ: 'US/Eastern' })).toEqual(placeOfTimeZone({ TZ: 'America/New_York' }));
    expect(placeOfTimeZone({ TZ: 'Asia/Kolkata' })).toMatchObject({ longitude: 88.3667 });
  });

  test.each(['UTC', 'Etc/GMT+5', 'CET-1CEST', 'Mars/Crater', '../../etc/passwd'])(
    'has no place for TZ=%s',
    (TZ) => expect(placeOfTimeZone({ TZ })).toBeNull(),
  );
});
