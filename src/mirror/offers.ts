import type { AcceptPattern } from '../config/accept.ts';
import type { Location } from '../protocol/location.ts';
import { type MirrorList, USUAL_PRIORITY } from '../protocol/mirror-list.ts';
import { redactUrl } from '../protocol/redact.ts';
import { placeOf, refusalOfOffered } from './offered-url.ts';

/** Where a list came from: the server's own answer, or the commit at refs/meta/mirrors. */
export type ListSource = 'server' | 'published';

/** The sources of lists, highest authority first. */
export const LIST_SOURCES: readonly ListSource[] = ['server', 'published'];

/** A mirror that a list named, as it is remembered: no login in it, and nothing that a terminal could take amiss. */
export interface KeptOffer {
  url: string;
  location: Location | null;
  /** 0 to 100, lower first; null where the list does not say. */
  priority: number | null;
  /** Why it must never be contacted, whatever the user accepts; null where that depends. */
  barred: string | null;
}

/** A mirror that a list named, judged. */
export interface Offer {
  url: string;
  source: ListSource;
  location: Location | null;
  priority: number | null;
  /** Why it is never contacted, in words for the user; null when it may be. */
  refusal: string | null;
}

/** So many mirrors are taken from a server: more than a race ever starts. As many that are refused are shown. */
export const MOST_OFFERS = 32;

function byPriority(one: Pick<KeptOffer, 'priority'>, other: Pick<KeptOffer, 'priority'>): number {
  return (one.priority ?? USUAL_PRIORITY) - (other.priority ?? USUAL_PRIORITY);
}

/**
 * Takes out of a list what is worth to be remembered: each place once, canonical itself not, the first ones by the list's
 * priority, and, lest they crowd out the others, as many of those that the user does not accept.
 *
 * @param canonical the URL of the server that sent it
 */
export function offersOf(
  { mirrors }: Pick<MirrorList, 'mirrors'>,
  canonical: string,
  accepted: readonly AcceptPattern[],
): KeptOffer[] {
  const taken: KeptOffer[] = [];
  const known = new Set([placeOf(canonical)]);
  const count = { fit: 0, refused: 0 };
  for (const { url, location, priority } of mirrors.toSorted(byPriority)) {
    if (count.fit >= MOST_OFFERS && count.refused >= MOST_OFFERS) break;
    const refusal = refusalOfOffered(url, canonical, accepted);
    const kind = refusal === null ? 'fit' : 'refused';
    const shown = redactUrl(url);
    // What is left of a URL without its login is not what was named, and does not stand in the way of one that is.
    const barred = shown === url ? null : refusal;
    const place = barred === null ? placeOf(url) : `barred ${shown}`;
    if (count[kind] >= MOST_OFFERS || known.has(place)) continue;
    count[kind] += 1;
    known.add(place);
    taken.push({ url: shown, location, priority, barred });
  }
  return taken;
}

/** Judges what is remembered of a list by what the user accepts now. */
export function judgeOffers(
  kept: readonly KeptOffer[],
  source: ListSource,
  canonical: string,
  accepted: readonly AcceptPattern[],
): Offer[] {
  return kept.map(({ url, location, priority, barred }) => ({
    url,
    source,
    location,
    priority,
    refusal: barred ?? refusalOfOffered(url, canonical, accepted),
  }));
}
