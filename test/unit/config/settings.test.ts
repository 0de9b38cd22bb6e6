import { describe, expect, test } from 'vitest';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { readSettings } from '../../../src/config/settings.ts';

const entry = (name: string, value: string): ConfigEntry => ({
  section: 'gam',
  subsection: null,
  name,
  value,
});

describe('gam.location', () => {
  test('is a country or a point, the last one given', () => {
    const { settings, warnings } = readSettings([entry('location', 'FR'), entry('location', '52.5, 13.4')]);
    expect(settings.location).toEqual({ latitude: 52.5, longitude: 13.4, country: null });
    expect(warnings).toEqual([]);
    expect(readSettings([entry('location', 'fr')]).settings.location?.country).toBe('FR');
    expect(readSettings([]).settings.location).toBeNull();
  });

  test.each(['Berlin', '', '91,0', 'XX'])('that says %j is a warning naming key and value', (value) => {
    const { settings, warnings } = readSettings([entry('location', value)]);
    expect(settings.location).toBeNull();
    expect(warnings).toEqual([`cannot read gam.location=${value}; using the default`]);
  });
});
