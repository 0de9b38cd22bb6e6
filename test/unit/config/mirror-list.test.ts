import { describe, expect, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import { readMirrorList } from '../../../src/config/mirror-list.ts';

function read(...variables: [key: string, value: string][]) {
  return readMirrorList(parseConfigList(variables.map(([key, value]) => `${key}\n${value}\0`).join('')));
}

const EU: [string, string] = ['mirrorlist.eu.url', 'https://eu.example/r.git'];

describe('readMirrorList', () => {
  test('has nothing told where nothing is said', () => {
    const { settings, warnings } = read();
    expect(warnings).toEqual([]);
    expect(settings).toEqual({
      enabled: false,
      policy: 'fixed',
      limit: 10,
      prefer: null,
      ttl: 86_400,
      canonical: [],
      state: 'current',
      successor: null,
      geoData: null,
      mirrors: [],
    });
  });

  test('reads all that can be said', () => {
    const { settings, warnings } = read(
      ['mirrorlist.enabled', 'yes'],
      ['mirrorlist.policy', 'GeoIP'],
      ['mirrorlist.limit', '3'],
      ['mirrorlist.prefer', 'permanent'],
      ['mirrorlist.ttl', '90m'],
      ['mirrorlist.canonical', 'https://a.example/r'],
      ['mirrorlist.canonical', 'git@a.example:r'],
      ['mirrorlist.canonical', 'https://a.example/r'],
      ['mirrorlist.state', 'moved'],
      ['mirrorlist.successor', 'https://b.example/r'],
      ['mirrorlist.geodata', '/var/lib/geoip'],
      EU,
      ['mirrorlist.US.east.url', 'https://us.example/r.git'],
      ['mirrorlist.US.east.location', 'US'],
      ['mirrorlist.US.east.priority', '10'],
      ['mirrorlist.US.east.weight', '0'],
      ['mirrorlist.US.east.state', 'Deprecated'],
    );
    expect(warnings).toEqual([]);
    expect(settings).toMatchObject({
      enabled: true,
      policy: 'geoip',
      limit: 3,
      prefer: 'permanent',
      ttl: 5400,
      canonical: ['https://a.example/r', 'git@a.example:r'],
      state: 'moved',
      successor: 'https://b.example/r',
      geoData: '/var/lib/geoip',
      mirrors: [
        {
          id: 'eu',
          url: 'https://eu.example/r.git',
          location: null,
          priority: null,
          weight: 1,
          state: 'current',
        },
        { id: 'US.east', location: { country: 'US' }, priority: 10, weight: 0, state: 'deprecated' },
      ],
    });
  });

  test.each([
    ['enabled', 'perhaps', { enabled: false }],
    ['policy', 'nearest', { policy: 'fixed' }],
    ['limit', '0', { limit: 10 }],
    ['limit', '1025', { limit: 10 }],
    ['prefer', 'always', { prefer: null }],
    ['ttl', '-1', { ttl: 86_400 }],
    ['ttl', '1000000000', { ttl: 86_400 }],
    ['state', 'gone', { state: 'current' }],
    ['successor', '', { successor: null }],
    ['geoData', 'data', { geoData: null }],
  ])('warns of %s=%s, and uses the default', (name, value, expected) => {
    const { settings, warnings } = read([`mirrorlist.${name.toLowerCase()}`, value]);
    expect(settings).toMatchObject(expected);
    expect(warnings).toEqual([`cannot read mirrorList.${name}=${value}; using the default`]);
  });

  test.each([
    ['location', 'Atlantis', { location: null }],
    ['priority', '101', { priority: null }],
    ['weight', '-1', { weight: 1 }],
    ['state', 'moved', { state: 'current' }],
    ['weight', '1000001', { weight: 1 }],
  ])("warns of a mirror's %s=%s, and keeps the mirror", (name, value, expected) => {
    const { settings, warnings } = read(EU, [`mirrorlist.eu.${name}`, value]);
    expect(settings.mirrors).toMatchObject([{ id: 'eu', ...expected }]);
    expect(warnings).toEqual([`cannot read mirrorList.eu.${name}=${value}; using the default`]);
  });

  test.each([
    ['no URL', 'eu', '', ''],
    ['a password', 'eu', 'https://ann:secret@eu.example/r', 'https://eu.example/r'],
    ['a password for ssh', 'eu', 'ssh://git:secret@eu.example/r', 'ssh://git@eu.example/r'],
    ['an escape code', 'eu', 'https://eu.example/\u001b[2J', 'https://eu.example/?[2J'],
    ['two lines', 'eu', 'https://eu.example/\nmirror.state=moved', 'https://eu.example/?mirror.state=moved'],
    ['an id that no line can hold', 'a=b', 'https://eu.example/', 'https://eu.example/'],
    ['an endless id', 'e'.repeat(65), 'https://eu.example/', 'https://eu.example/'],
  ])('leaves a mirror with %s out, and never shows a password', (_, id, url, shown) => {
    const { settings, warnings } = read([`mirrorlist.${id}.url`, url], ['mirrorlist.us.url', 'https://us/']);
    expect(settings.mirrors.map((mirror) => mirror.id)).toEqual(['us']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toBe(`cannot read mirrorList.${id}.url=${shown}; leaving this mirror out`);
  });

  test('leaves a canonical URL with a password out', () => {
    const { settings, warnings } = read(['mirrorlist.canonical', 'https://ann:secret@a.example/r']);
    expect(settings.canonical).toEqual([]);
    expect(warnings).toEqual(['cannot read mirrorList.canonical=https://a.example/r; leaving it out']);
  });
});
