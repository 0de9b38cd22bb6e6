import type { ConfigEntry } from '../config/entries.ts';
import type { ListedMirror, ListSettings } from '../config/mirror-list.ts';
import { type MirrorList, MOST_LISTED } from '../protocol/mirror-list.ts';
import type { MirrorListRequest } from '../protocol/mirror-list-request.ts';
import { carriedUrls, carries } from './carried.ts';
import { type ListClient, orderListed } from './list-order.ts';

function page(
  mirrors: readonly ListedMirror[],
  skip: number,
  limit: number,
): Pick<MirrorList, 'mirrors' | 'more'> {
  const told = mirrors.slice(skip, skip + limit);
  return {
    mirrors: told.map(({ id, url, location, priority }) => ({ id, url, location, priority })),
    more: Math.max(0, mirrors.length - skip - limit),
  };
}

/**
 * The list that a repository's configuration has for a client. Who asks for a URL (`url=`) gets the list of that one if the
 * repository carries it, and otherwise the URLs that it does carry, and no mirrors.
 * @param entries the configuration of the served repository
 * @param now milliseconds since the epoch
 * @param stale for how many seconds canonical has not confirmed what is served; null where that is no question
 */
export function offeredList(
  settings: ListSettings,
  entries: readonly ConfigEntry[],
  { url, skip }: MirrorListRequest,
  client: ListClient,
  now: number,
  stale: number | null = null,
): MirrorList {
  const { policy, limit, prefer, ttl, state, successor } = settings;
  const about = { prefer, ttl, state, successor, stale };
  if (url !== null && !carries(url, settings.canonical, entries))
    return {
      canonical: carriedUrls(settings.canonical, entries).slice(0, MOST_LISTED),
      mirrors: [],
      more: 0,
      ...about,
    };
  const canonical = url === null ? settings.canonical.slice(0, MOST_LISTED) : [url];
  const ordered = orderListed(settings.mirrors, policy, client, now);
  return { canonical, ...page(ordered, skip, limit), ...about };
}
