import { type Location, parseLocation, writeLocation } from '../protocol/location.ts';
import type { Preference, ServerState } from '../protocol/mirror-list.ts';
import { printable } from '../protocol/text.ts';
import { type KeptOffer, type ListSource, MOST_OFFERS } from './offers.ts';

/** A list as it is remembered, and when it is to be asked for again. */
export interface KeptList {
  /** When canonical was asked last, in milliseconds since the epoch, be it in vain. */
  asked: number;
  /** For how many seconds it is not asked again. */
  ttl: number;
  mirrors: KeptOffer[];
  /** How many mirrors the server knows besides. */
  more: number;
  /** How many of the list's beginning are known: what is skipped when more are asked for. */
  listed: number;
  prefer: Preference | null;
  state: ServerState;
  successor: string | null;
  /** When the user was told of its state last, in milliseconds since the epoch; 0: never. */
  told: number;
  /** The commit in which it was published; null for a server's, and where the last one could not be had. */
  commit: string | null;
}

/** Nothing, as before a server was ever asked. */
export const NO_LIST: Readonly<KeptList> = {
  asked: 0,
  ttl: 0,
  mirrors: [],
  more: 0,
  listed: 0,
  prefer: null,
  state: 'current',
  successor: null,
  told: 0,
  commit: null,
};

/**
 * An hour: for so long a server's list is good that does not say. A day: until a published one, which counts as long as it is
 * published, is written down anew. A minute: the least that any is, or each fetch would ask. Seconds.
 */
const USUAL_TTL: Readonly<Record<ListSource, number>> = { server: 3600, published: 24 * 3600 };
const SHORTEST_TTL = 60;

/** Ten minutes: when a server is asked again that had no answer, in seconds. */
export const RETRY_TTL = 600;

/** The longest URL that is kept, in characters. */
const LONGEST_URL = 2048;

/** For how long a list is good, in seconds. */
export function timeToLive(told: number | null, source: ListSource = 'server'): number {
  return Math.max(told ?? USUAL_TTL[source], SHORTEST_TTL);
}

/** What the user was told of a server's state is not said again for a day, in milliseconds. */
const SILENCE = 24 * 3_600_000;

/** Whether the user is to be told of a server's state. */
export function isToBeTold({ state, told }: KeptList, now: number): boolean {
  return state !== 'current' && Math.abs(now - told) >= SILENCE;
}

/** Whether mirrors are to be tried first, by what canonical says: for good, or as long as its list is. */
export function prefersMirrors(kept: KeptList | null, now: number): boolean {
  return kept !== null && (kept.prefer === 'permanent' || (kept.prefer === 'temporary' && !isDue(kept, now)));
}

/**
 * Whether a published list is to be read: it is another one than what is kept, or could not be had a while ago.
 * @param commit where it is published now
 */
export function isUnread(kept: KeptList | null, commit: string, now: number): boolean {
  return kept === null || (kept.commit === null ? isDue(kept, now) : kept.commit !== commit);
}

/** Whether canonical is to be asked for its list; also where the clock has been set back since. */
export function isDue(kept: KeptList | null, now: number): boolean {
  return kept === null || now < kept.asked || now >= kept.asked + kept.ttl * 1000;
}

function parseText(value: unknown): string | null {
  const fit = typeof value === 'string' && value !== '' && value.length <= LONGEST_URL;
  return fit && printable(value, LONGEST_URL) === value ? value : null;
}

function parseCount(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value) ? value : null;
}

function parseOffer(value: unknown): KeptOffer[] {
  const { url: named, location, priority, barred } = (value ?? {}) as Record<string, unknown>;
  const url = parseText(named);
  const place: Location | null = typeof location === 'string' ? parseLocation(location) : null;
  const rank = parseCount(priority);
  return url === null ? [] : [{ url, location: place, priority: rank, barred: parseText(barred) }];
}

/**
 * Reads a list that was kept.
 * @param canonical the URL of the server that it must be of
 * @param from where it must have come from
 * @returns null for another server's or source's, and for anything that writeKeptList() has not written
 */
export function parseKeptList(text: string, canonical: string, from: ListSource = 'server'): KeptList | null {
  let content: Record<string, unknown>;
  try {
    content = (JSON.parse(text) ?? {}) as typeof content;
  } catch {
    return null;
  }
  const {
    version,
    canonical: of,
    source,
    asked,
    ttl,
    mirrors,
    more,
    listed,
    prefer,
    state,
    successor,
    told,
    commit,
  } = content;
  const [at, seconds] = [parseCount(asked), parseCount(ttl)];
  if (version !== 1 || of !== canonical || source !== from || at === null || seconds === null) return null;
  const offers = Array.isArray(mirrors) ? mirrors.slice(0, 2 * MOST_OFFERS) : [];
  return {
    asked: at,
    ttl: seconds,
    mirrors: offers.flatMap(parseOffer),
    more: parseCount(more) ?? 0,
    listed: parseCount(listed) ?? 0,
    prefer: prefer === 'temporary' || prefer === 'permanent' ? prefer : null,
    state: state === 'deprecated' || state === 'refusing' || state === 'moved' ? state : 'current',
    successor: parseText(successor),
    told: parseCount(told) ?? 0,
    commit: parseText(commit),
  };
}

/** Writes what parseKeptList() reads: JSON, a mirror a line. */
export function writeKeptList(list: KeptList, canonical: string, source: ListSource = 'server'): string {
  const { mirrors, ...rest } = list;
  const lines = mirrors.map(({ location, ...offer }) =>
    JSON.stringify({ ...offer, location: location && writeLocation(location) }),
  );
  const head = JSON.stringify({ version: 1, canonical, source, ...rest }).slice(0, -1);
  return `${head},"mirrors":[\n${lines.join(',\n')}\n]}\n`;
}
