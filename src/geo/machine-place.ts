import { networkInterfaces } from 'node:os';
import type { Environment } from '../git/environment.ts';
import type { Location } from '../protocol/location.ts';
import { isPublicAddress } from '../protocol/public-address.ts';
import type { Geoip } from './geoip.ts';
import { placeOfTimeZone } from './time-zone.ts';

/**
 * Where this machine is: by a public address of its own, if it has one, or else by its time zone. Nobody is asked over the
 * network, since that would tell them.
 * @returns null where neither tells
 */
export async function machinePlace(
  by: Geoip,
  env: Environment,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): Promise<Location | null> {
  const own = Object.values(interfaces).flatMap((all) => all ?? []);
  for (const { address } of own.filter((one) => !one.internal && isPublicAddress(one.address))) {
    const place = await by.locate(address);
    if (place !== null) return place;
  }
  return placeOfTimeZone(env);
}
