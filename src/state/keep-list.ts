import type { AcceptPattern } from '../config/accept.ts';
import type { Environment } from '../git/environment.ts';
import { type KeptList, RETRY_TTL, timeToLive } from '../mirror/kept-list.ts';
import { judgeOffers, type ListSource, MOST_OFFERS, offersOf } from '../mirror/offers.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import { forgetList, recallList, rememberList } from './mirror-lists.ts';
import { markUnlisted, unmarkUnlisted } from './unlisted.ts';

/** Whose list it is, and who is to know it. */
export interface ListOwner {
  canonicalUrl: string;
  /** What the user accepts. */
  accepted: readonly AcceptPattern[];
  env: Environment;
}

/** Whether a list names a mirror that may be used. */
export function isOfUse(
  list: KeptList | null,
  source: ListSource,
  { canonicalUrl, accepted }: ListOwner,
): boolean {
  const offers = judgeOffers(list?.mirrors ?? [], source, canonicalUrl, accepted);
  return offers.some(({ refusal }) => refusal === null);
}

function hasPublished(owner: ListOwner): boolean {
  return isOfUse(recallList(owner.canonicalUrl, owner.env, 'published'), 'published', owner);
}

/** Keeps what canonical has just answered. @returns it as it is kept, be it only for now, where nothing can be kept */
export async function keepList(list: MirrorList, owner: ListOwner): Promise<KeptList> {
  const { canonicalUrl, accepted, env } = owner;
  const { more, prefer, state, successor } = list;
  const mirrors = offersOf(list, canonicalUrl, accepted);
  const ttl = timeToLive(list.ttl);
  const listed = list.mirrors.length;
  const asked = Date.now();
  let kept: KeptList = {
    asked,
    ttl,
    mirrors,
    more,
    listed,
    prefer,
    state,
    successor,
    told: 0,
    commit: null,
  };
  const change = (before: KeptList) => {
    kept = { ...kept, told: before.state === state ? before.told : 0 };
    return kept;
  };
  await rememberList(canonicalUrl, change, env);
  const useless = !isOfUse(kept, 'server', owner) && more === 0 && state === 'current';
  // Of no use for now: node need not be started for it.
  if (useless && !hasPublished(owner)) markUnlisted(canonicalUrl, env, ttl * 1000);
  else unmarkUnlisted(canonicalUrl, env);
  return kept;
}

/** Adds what canonical has named on demand to what it named before. @returns both */
export async function keepMore(before: KeptList, list: MirrorList, owner: ListOwner): Promise<KeptList> {
  const { canonicalUrl, accepted, env } = owner;
  const known = new Set(before.mirrors.map(({ url }) => url));
  const added = offersOf(list, canonicalUrl, accepted).filter(({ url }) => !known.has(url));
  // Those that were known have all failed: where there is room for some only, they go.
  const mirrors = [...added, ...before.mirrors].slice(0, 2 * MOST_OFFERS);
  const kept: KeptList = { ...before, mirrors, more: list.more, listed: before.listed + list.mirrors.length };
  await rememberList(canonicalUrl, () => kept, env);
  return kept;
}

/** Notes that the user has been told of the server's state. */
export async function keepTold({ canonicalUrl, env }: ListOwner): Promise<void> {
  await rememberList(canonicalUrl, (kept) => ({ ...kept, told: Date.now() }), env);
}

/** Notes that canonical had no answer, so that not every fetch waits for one. What it has named before counts on. */
export async function keepSilence({ canonicalUrl, env }: ListOwner): Promise<void> {
  await rememberList(canonicalUrl, (kept) => ({ ...kept, asked: Date.now(), ttl: RETRY_TTL }), env);
}

/**
 * Notes that canonical has no list: it is not in its greeting.
 * @param looked whether it is known what is published there; else node is to look once more
 */
export function keepNone(owner: ListOwner, looked: boolean): void {
  const { canonicalUrl, env } = owner;
  forgetList(canonicalUrl, env);
  if (looked && !hasPublished(owner)) markUnlisted(canonicalUrl, env);
}
