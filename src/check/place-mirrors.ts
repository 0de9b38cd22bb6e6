import { type Lookup, publicAddresses } from '../geo/host-addresses.ts';
import { locateHosts } from '../geo/locate-hosts.ts';
import type { Environment } from '../git/environment.ts';
import { measureKeys } from '../mirror/measure-key.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { rememberPlaces } from '../state/measures.ts';

/** Asks DNS for the hosts of mirrors; of one that is refused nobody is asked, and a path has none. */
export function mirrorAddresses(
  mirrors: readonly Pick<Mirror, 'url' | 'refusal'>[],
  lookup: Lookup,
): Promise<Map<string, string[]>> {
  const hosts = mirrors.flatMap(({ url, refusal }) => (refusal === null ? [measureKeys(url).host] : []));
  return publicAddresses(
    hosts.filter((host) => host !== null),
    lookup,
  );
}

/**
 * Remembers where these hosts are, which decides over the order of mirrors until they are measured. Fails silently. While
 * geoip loads, nothing else runs: not to be called while something is measured.
 */
export async function rememberWhere(
  addresses: ReadonlyMap<string, readonly string[]>,
  env: Environment,
): Promise<void> {
  await rememberPlaces(await locateHosts(addresses, env), env);
}
