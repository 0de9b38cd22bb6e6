import { ownMirrors } from '../mirror/offered-list.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import type { MirrorListRequest } from '../protocol/mirror-list-request.ts';
import { repositoryKey } from '../protocol/repository-key.ts';
import type { Carrier } from './carrier.ts';
import type { Exchange } from './exchange.ts';
import { urlBelow } from './public-address.ts';

/** For how long it counts, in seconds: a clone may be removed, or get another remote. */
const TTL = 3600;

/** Tells the URLs, at this server, of what a client knows by another one. */
export type FindHere = (url: string) => Promise<readonly string[]>;

/**
 * Finds what a server carries, as whoever asks sees this server.
 * @param gitDir only that of this repository; null for all
 */
export function hereFor({ address }: Exchange, carrier: Carrier, gitDir: string | null): FindHere {
  return async (url) => {
    const paths = address === null ? [] : await carrier.find(url, gitDir);
    const found = paths.map((path) => urlBelow(address ?? '', path));
    // What is canonical here is no mirror of itself.
    return found.filter((one) => repositoryKey(one) !== repositoryKey(url));
  };
}

/** The list of a whole server: where it has what is asked for by `url=`; or else the URLs that it does carry. */
export async function carriedList(
  { url }: MirrorListRequest,
  here: FindHere,
  carrier: Carrier,
): Promise<MirrorList> {
  const about = { prefer: null, ttl: TTL, state: 'current', successor: null, stale: null } as const;
  const found = url === null ? [] : await here(url);
  if (url !== null && found.length > 0)
    return { canonical: [url], mirrors: ownMirrors(found), more: 0, ...about };
  const { urls, more } = await carrier.urls();
  return { canonical: [...urls], mirrors: [], more, ...about };
}
