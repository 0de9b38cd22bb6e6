import type { ConfigEntry } from '../config/entries.ts';
import type { ListedMirror, ListSettings } from '../config/mirror-list.ts';
import { type MirrorList, MOST_LISTED, type OfferedMirror } from '../protocol/mirror-list.ts';
import type { MirrorListRequest } from '../protocol/mirror-list-request.ts';
import { carriedUrls, carries } from './carried.ts';
import { type ListClient, orderListed, toldPriority } from './list-order.ts';

function page(
  mirrors: readonly ListedMirror[],
  skip: number,
  limit: number,
): Pick<MirrorList, 'mirrors' | 'more'> {
  const told = mirrors.slice(skip, skip + limit);
  return {
    mirrors: told.map((mirror) => {
      const { id, url, location } = mirror;
      return { id, url, location, priority: toldPriority(mirror) };
    }),
    more: Math.max(0, mirrors.length - skip - limit),
  };
}

/** The server itself, as mirrors of a list; their ids are none of those that are taken. */
export function ownMirrors(
  urls: readonly string[],
  others: readonly Pick<OfferedMirror, 'id'>[] = [],
): OfferedMirror[] {
  const taken = new Set(others.map(({ id }) => id));
  const ids = Array.from({ length: urls.length + taken.size }, (_, n) => `here${n || ''}`);
  const free = ids.filter((id) => !taken.has(id));
  return urls.map((url, n) => ({ id: free[n] ?? '', url, location: null, priority: null }));
}

/**
 * The list that a repository's configuration has for a client. Who asks for a URL (`url=`) gets the list of that one if the
 * repository carries it, and otherwise the URLs that it does carry, and no mirrors.
 * @param entries the configuration of the served repository
 * @param now milliseconds since the epoch
 * @param here URLs at which the server itself has what is asked for; they come first
 * @param stale for how many seconds canonical has not confirmed what is served; null where that is no question
 */
export function offeredList(
  settings: ListSettings,
  entries: readonly ConfigEntry[],
  { url, skip }: MirrorListRequest,
  client: ListClient,
  now: number,
  here: readonly string[] = [],
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
  const { mirrors, more } = page(ordered, skip, limit);
  const own = skip === 0 ? here.filter((one) => !mirrors.some((mirror) => mirror.url === one)) : [];
  return { canonical, mirrors: [...ownMirrors(own, mirrors), ...mirrors], more, ...about };
}
