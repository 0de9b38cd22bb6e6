import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Geoip } from '../../../src/geo/geoip.ts';
import { locateHosts } from '../../../src/geo/locate-hosts.ts';
import { machinePlace } from '../../../src/geo/machine-place.ts';
import { parseLocation } from '../../../src/protocol/location.ts';

const [NL, JP] = [parseLocation('NL'), parseLocation('JP')];
const NOWHERE = { TZ: 'UTC' };

/** A geoip that knows two addresses, and tells of which it was asked. */
function fakeGeoip() {
  const asked: string[] = [];
  const known = new Map([
    ['193.0.6.139', NL],
    ['133.11.0.1', JP],
  ]);
  const by: Geoip = {
    locate: async (address) => {
      asked.push(address);
      return known.get(address) ?? null;
    },
  };
  return { by, asked };
}

function card(address: string, internal = false): NetworkInterfaceInfo {
  return { address, netmask: '', family: 'IPv4', mac: '', internal, cidr: null };
}

describe('locateHosts', () => {
  test('goes by the first address that is known', async () => {
    const addresses = new Map([
      ['a', ['8.8.8.8', '133.11.0.1']],
      ['b', ['8.8.8.8']],
      ['c', []],
    ]);
    const { hosts } = await locateHosts(addresses, NOWHERE, fakeGeoip().by);
    expect(Object.fromEntries(hosts)).toEqual({ a: JP, b: null, c: null });
  });

  test('asks for no address where no host has a public one', async () => {
    const { by, asked } = fakeGeoip();
    const { hosts, here } = await locateHosts(new Map([['cache.lan', []]]), { TZ: 'Europe/Berlin' }, by);
    expect([hosts.get('cache.lan'), here]).toEqual([null, null]);
    expect(asked).toEqual([]);
  });
});

describe('machinePlace', () => {
  test('is that of a public address of its own, whatever other addresses it has', async () => {
    const { by, asked } = fakeGeoip();
    const cards = {
      lo: [card('127.0.0.1', true)],
      wg: [card('100.64.3.4')],
      eth0: [card('192.168.0.2'), card('fe80::1'), card('193.0.6.139')],
    };
    expect(await machinePlace(by, { TZ: 'Asia/Tokyo' }, cards)).toEqual(NL);
    expect(asked).toEqual(['193.0.6.139']);
  });

  test('is nowhere behind private addresses in UTC', async () => {
    const { by, asked } = fakeGeoip();
    expect(await machinePlace(by, NOWHERE, { eth0: [card('10.0.0.2')] })).toBeNull();
    expect(asked).toEqual([]);
  });
});
