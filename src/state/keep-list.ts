import type { AcceptPattern } from '../config/accept.ts';
import type { Environment } from '../git/environment.ts';
import { type KeptList, RETRY_TTL, timeToLive } from '../mirror/kept-list.ts';
import { judgeOffers, offersOf } from '../mirror/offers.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import { forgetList, rememberList } from './mirror-lists.ts';
import { markUnlisted, unmarkUnlisted } from './unlisted.ts';

/** Whose list it is, and who is to know it. */
export interface ListOwner {
  canonicalUrl: string;
  /** What the user accepts. */
  accepted: readonly AcceptPattern[];
  env: Environment;
}

/** Keeps what canonical has just answered. @returns it as it is kept, be it only for now, where nothing can be kept */
export async function keepList(
  list: MirrorList,
  { canonicalUrl, accepted, env }: ListOwner,
): Promise<KeptList> {
  const { more, prefer, state, successor } = list;
  const mirrors = offersOf(list, canonicalUrl, accepted);
  const ttl = timeToLive(list.ttl);
  const listed = list.mirrors.length;
  const kept: KeptList = { asked: Date.now(), ttl, mirrors, more, listed, prefer, state, successor };
  await rememberList(canonicalUrl, () => kept, env);
  const fit = judgeOffers(mirrors, 'server', canonicalUrl, accepted).some(({ refusal }) => refusal === null);
  // Of no use for now: node need not be started for it.
  if (!fit && more === 0 && state === 'current') markUnlisted(canonicalUrl, env, ttl * 1000);
  else unmarkUnlisted(canonicalUrl, env);
  return kept;
}

/** Notes that canonical had no answer, so that not every fetch waits for one. What it has named before counts on. */
export async function keepSilence({ canonicalUrl, env }: ListOwner): Promise<void> {
  await rememberList(canonicalUrl, (kept) => ({ ...kept, asked: Date.now(), ttl: RETRY_TTL }), env);
}

/** Notes that canonical has no list: it is not in its greeting. */
export function keepNone({ canonicalUrl, env }: ListOwner): void {
  forgetList(canonicalUrl, env);
  markUnlisted(canonicalUrl, env);
}
