import { redactUrl } from '../protocol/redact.ts';
import type { Failure } from './failures.ts';
import type { Member, Role } from './group.ts';
import type { Queued } from './queue.ts';
import type { Sighting } from './sightings.ts';
import type { LaggingRef } from './standing.ts';

/** A ref at which a member is behind. */
export interface BehindRef extends LaggingRef {
  /** Whether the member has there what the group never had, as when somebody wrote to it past gam. */
  diverged: boolean;
  /** When a look from here first showed it to stand there: it may have been so before. Null beyond a hundred refs. ISO 8601. */
  since: string | null;
}

/** How one member stands. */
export interface MemberStatus {
  id: string;
  /** Without a login. */
  url: string;
  role: Role;
  /** Whether it is this one. */
  self: boolean;
  /**
   * `current`: it has what the group's state says; `behind`: not at some refs; `diverged`: at some of these it has what the group never
   * had; `unreachable`; `unknown`: it answers, but the coordinator does not; `retired`: nobody asks it any more.
   */
  state: 'current' | 'behind' | 'diverged' | 'unreachable' | 'unknown' | 'retired';
  /** Refs that are not what they are meant to be, and how many of these are such that the member is `diverged`; null when unknown. */
  refsBehind: number | null;
  refsDiverged: number | null;
  /** Those refs; null when unknown. */
  refs: BehindRef[] | null;
  /** How many of its refs are unlike this member's own, where that alone is known; null otherwise. */
  refsUnlike: number | null;
  /**
   * Since when it is `behind`, `diverged` or `unreachable`, at least: when a look from here first showed it, or when the push was whose
   * refs are all still queued here. ISO 8601; null in other states, and when unknown.
   */
  since: string | null;
  /** When a look from here last showed it `current`. ISO 8601. */
  lastCurrent: string | null;
  /** Why it cannot be reached. */
  reason: string | null;
  /** How long it took to answer. */
  latencyMs: number | null;
  /** Notes that this member has for it, and the age of the oldest in milliseconds. What others have for it, only they know. */
  queued: number;
  queuedMs: number | null;
  /** Why this member could not bring it up to date when that was last tried, and when, ISO 8601; null once that is over. */
  lastFailure: { at: string; reason: string } | null;
  /** Of a hosted member: refs that have moved apart, so that neither side takes the other's; as far as its objects are here. */
  apart: readonly string[];
}

/** What came of asking a member. */
export interface Asked {
  /** Null where it did not answer. */
  latencyMs: number | null;
  reason: string | null;
  /** Null where it did not answer, or nobody knows what it should have. */
  lags: readonly LaggingRef[] | null;
  /** Of these, the ones where it has what the group never had. */
  strangers: ReadonlySet<string>;
  refsUnlike: number | null;
  apart: readonly string[];
}

const iso = (time: number | null | undefined) => (time == null ? null : new Date(time).toISOString());

function stateOf(asked: Asked | null, role: Role): MemberStatus['state'] {
  if (role === 'retired') return 'retired';
  if (asked === null) return 'unknown';
  if (asked.reason !== null) return 'unreachable';
  if (asked.lags === null) return 'unknown';
  if (asked.lags.length === 0) return 'current';
  return asked.strangers.size > 0 ? 'diverged' : 'behind';
}

// A note whose refs are all still missing there tells more than a look: the member has lacked the first of them since that push.
function behindSince(
  lags: readonly LaggingRef[],
  sighting: Sighting | undefined,
  entry: Queued | undefined,
): number | undefined {
  const seen = (sighting?.lags ?? []).map(({ since }) => since);
  const refs = new Set(lags.map(({ ref }) => ref));
  const isQueued =
    entry !== undefined && entry.refs.size > 0 && [...entry.refs].every((ref) => refs.has(ref));
  const all = isQueued ? [...seen, entry.since] : seen;
  return all.length === 0 ? undefined : Math.min(...all);
}

/** What is known here of a member, without asking it. */
export interface Known {
  /** What is queued for it. */
  entry: Queued | undefined;
  failure: Failure | null;
  sighting: Sighting | undefined;
  /** In milliseconds since the epoch. */
  now: number;
}

/**
 * Puts together what is known of a member.
 *
 * @param asked null where nobody has asked it
 */
export function memberStatus(
  { id, url, role }: Member,
  self: Member,
  asked: Asked | null,
  { entry, failure, sighting, now }: Known,
): MemberStatus {
  const state = stateOf(asked, role);
  const lags = asked?.lags ?? null;
  const seen = new Map(sighting?.lags.map((lag) => [`${lag.ref} ${lag.has}`, lag.since]));
  const isBehind = state === 'behind' || state === 'diverged';
  const since = isBehind ? behindSince(lags ?? [], sighting, entry) : sighting?.silent;
  return {
    id,
    url: redactUrl(url),
    role,
    self: id === self.id,
    state,
    refsBehind: lags && lags.length,
    refsDiverged: lags && (asked?.strangers.size ?? 0),
    refs:
      lags &&
      lags.map((lag) => ({
        ...lag,
        diverged: asked?.strangers.has(lag.ref) ?? false,
        since: iso(seen.get(`${lag.ref} ${lag.has}`)),
      })),
    refsUnlike: asked?.refsUnlike ?? null,
    since: isBehind || state === 'unreachable' ? iso(since) : null,
    lastCurrent: iso(sighting?.current),
    reason: asked?.reason ?? null,
    latencyMs: asked?.latencyMs ?? null,
    queued: entry?.refs.size ?? 0,
    queuedMs: entry === undefined ? null : Math.max(0, now - entry.since),
    lastFailure: failure && {
      at: new Date(failure.at).toISOString(),
      reason: failure.reason,
    },
    apart: asked?.apart ?? [],
  };
}
