import type { Environment } from '../git/environment.ts';
import type { Location } from '../protocol/location.ts';
import { type Geoip, geoip } from './geoip.ts';
import { machinePlace } from './machine-place.ts';

/** Where hosts and this machine are. */
export interface Located {
  /** null for a host of which that is not known. */
  hosts: Map<string, Location | null>;
  /** null where it is not known, or where no host is anywhere. */
  here: Location | null;
}

/**
 * Finds where hosts are, by the first of their addresses of which that is known, and where this machine is.
 * @param addresses public ones, as publicAddresses() finds them; without any, geoip is not even loaded
 */
export async function locateHosts(
  addresses: ReadonlyMap<string, readonly string[]>,
  env: Environment,
  by: Geoip = geoip,
): Promise<Located> {
  const hosts = new Map<string, Location | null>();
  for (const [host, all] of addresses) {
    const places = await Promise.all(all.map((address) => by.locate(address)));
    hosts.set(host, places.find((place) => place !== null) ?? null);
  }
  const anywhere = [...hosts.values()].some((place) => place !== null);
  return { hosts, here: anywhere ? await machinePlace(by, env) : null };
}
