import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type Location, parseLocation, pointAt } from '../protocol/location.ts';

/** Says where an address is. */
export interface Geoip {
  /** Of a public address, IPv4 or IPv6; null where that is not known. Never fails. */
  locate(address: string): Promise<Location | null>;
}

// geoip-lite reads all of its data as it loads: 150 ms and 149 MB. So it is loaded when it is needed, and nobody waits
// for it who has only private addresses.
async function lookup(address: string, data: string | null) {
  // How geoip-lite is told of another folder than GEODATADIR names, or its own; the first that loads it decides.
  if (data !== null) Object.assign(globalThis, { geodatadir: data });
  const { default: lite } = await import('geoip-lite');
  return lite.lookup(address);
}

/**
 * Looks addresses up in geoip-lite's data. Without data, or with damaged data, it finds nothing.
 * @param data a folder of it; null for that which GEODATADIR names, or else that which geoip-lite brings along, of
 *   November 2023
 */
export function geoipOf(data: string | null): Geoip {
  return {
    async locate(address) {
      try {
        const { country = '', ll: [north, east] = [] } = (await lookup(address, data)) ?? {};
        if (country === '') return null;
        // Ranges without coordinates, as in data of countries alone, have none or zeros.
        return (north && east && pointAt(north, east)) || parseLocation(country);
      } catch {
        return null;
      }
    },
  };
}

/** By the data that is there without being asked for. */
export const geoip: Geoip = geoipOf(null);

/** Whether a folder holds data that geoip-lite can read: its files for IPv4, of cities or of countries. */
export function hasGeoData(folder: string): boolean {
  return ['geoip-city.dat', 'geoip-country.dat'].some((name) => {
    try {
      accessSync(join(folder, name), constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}
