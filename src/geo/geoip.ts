import { type Location, parseLocation, pointAt } from '../protocol/location.ts';

/** Says where an address is. */
export interface Geoip {
  /** Of a public address, IPv4 or IPv6; null where that is not known. Never fails. */
  locate(address: string): Promise<Location | null>;
}

// geoip-lite reads all of its data as it loads: 150 ms and 149 MB. So it is loaded when it is needed, and nobody waits
// for it who has only private addresses.
async function lookup(address: string) {
  const { default: lite } = await import('geoip-lite');
  return lite.lookup(address);
}

/** By the data that geoip-lite brings along, which is of November 2023. Without data, or with damaged data: nothing. */
export const geoip: Geoip = {
  async locate(address) {
    try {
      const { country = '', ll: [north, east] = [] } = (await lookup(address)) ?? {};
      if (country === '') return null;
      // Ranges without coordinates, as in data of countries alone, have none or zeros.
      return (north && east && pointAt(north, east)) || parseLocation(country);
    } catch {
      return null;
    }
  },
};
