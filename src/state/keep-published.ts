import { type KeptList, NO_LIST, RETRY_TTL, timeToLive } from '../mirror/kept-list.ts';
import { offersOf } from '../mirror/offers.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import { isOfUse, type ListOwner } from './keep-list.ts';
import { forgetList, rememberList } from './mirror-lists.ts';
import { unmarkUnlisted } from './unlisted.ts';

/**
 * Keeps a published list as it was just read. What only the server can say of itself, it does not say here.
 * @param list null for one that is none: nothing is used of it, and it is not read again
 * @returns it as it is kept
 */
export async function keepPublished(
  list: MirrorList | null,
  commit: string,
  owner: ListOwner,
): Promise<KeptList> {
  const { canonicalUrl, accepted, env } = owner;
  const mirrors = list === null ? [] : offersOf(list, canonicalUrl, accepted);
  const listed = list?.mirrors.length ?? 0;
  const ttl = timeToLive(list?.ttl ?? null, 'published');
  const kept: KeptList = { ...NO_LIST, asked: Date.now(), ttl, mirrors, listed, commit };
  await rememberList(canonicalUrl, () => kept, env, 'published');
  if (isOfUse(kept, 'published', owner)) unmarkUnlisted(canonicalUrl, env);
  return kept;
}

/** Notes that it is still published, so that it is not the first to be forgotten. */
export async function keepConfirmed({ canonicalUrl, env }: ListOwner): Promise<void> {
  await rememberList(canonicalUrl, (kept) => ({ ...kept, asked: Date.now() }), env, 'published');
}

/** Notes that it could not be read, so that not every fetch tries to. What was read before counts on. */
export async function keepUnread({ canonicalUrl, env }: ListOwner): Promise<void> {
  const change = (kept: KeptList) => ({ ...kept, asked: Date.now(), ttl: RETRY_TTL, commit: null });
  await rememberList(canonicalUrl, change, env, 'published');
}

/** Notes that nothing is published any more. @returns whether there was something */
export function dropPublished({ canonicalUrl, env }: ListOwner): boolean {
  return forgetList(canonicalUrl, env, 'published');
}
