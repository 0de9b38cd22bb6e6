import { geoipOf, hasGeoData } from '../geo/geoip.ts';
import type { Environment } from '../git/environment.ts';
import { isPublicAddress } from '../protocol/public-host.ts';
import { printable } from '../protocol/text.ts';
import { plainAddress } from './client-address.ts';
import type { LookAtClient } from './mirror-list.ts';

/** The address of who is logged in over ssh, as sshd says (ssh(1), "ENVIRONMENT"); '' for anybody else. */
export function sshAddress(env: Environment): string {
  return (env['SSH_CONNECTION'] ?? env['SSH_CLIENT'] ?? '').split(' ', 1)[0] ?? '';
}

/**
 * Looks at a client, and by geoip where the policy needs it: that takes 150 ms and 149 MB, once in a process.
 * @param text its address, as a socket or sshd has it; anything else counts as none
 * @param warn is told where `mirrorList.geoData` cannot be read, and the data that geoip-lite brings is used
 */
export function lookAt(text: string, warn: (message: string) => void): LookAtClient {
  return async ({ policy, geoData }) => {
    const address = plainAddress(text);
    if (policy !== 'geoip' || address === null || !isPublicAddress(address))
      return { address, location: null };
    const isThere = geoData !== null && hasGeoData(geoData);
    if (geoData !== null && !isThere)
      warn(
        `cannot read mirrorList.geoData=${printable(geoData)}; using the data that geoip-lite brings along`,
      );
    return { address, location: await geoipOf(isThere ? geoData : null).locate(address) };
  };
}
