import type { ListPolicy, MirrorState } from '../../config/mirror-list.ts';
import type { Preference, ServerState } from '../../protocol/mirror-list.ts';

/** What came of the last look at a mirror. Times are ISO 8601, in UTC. */
export interface Freshness {
  /**
   * `same`: all branches and tags of the repository stand there as here; `behind`: some do not; `failed`: it could not be asked;
   * `unasked`: this server asks no such mirror; `unknown`: nobody has looked yet.
   */
  state: 'same' | 'behind' | 'failed' | 'unasked' | 'unknown';
  /** How many branches and tags are missing there, or stand elsewhere; null where that is not known. */
  behind: number | null;
  /** Why it is not asked, in a few words; null in other states. */
  reason: string | null;
  lookedAt: string | null;
}

/** A mirror as the page shows it. */
export interface ShownMirror {
  id: string;
  /** Without a login; null for a folder of this machine, which is nobody's business. */
  url: string | null;
  /** A country's code, or `<degrees north>,<degrees east>`. */
  location: string | null;
  latitude: number | null;
  longitude: number | null;
  priority: number | null;
  weight: number;
  /** One that is `refusing` is in the configuration only: no client is told of it. */
  state: MirrorState;
  freshness: Freshness;
}

/** A repository that tells its clients of mirrors. */
export interface ShownList {
  /** Below the root, as in its URL: `/project.git`. */
  path: string;
  canonical: string[];
  state: ServerState;
  successor: string | null;
  policy: ListPolicy;
  /** How many mirrors one answer names. */
  limit: number;
  ttlSeconds: number;
  prefer: Preference | null;
  mirrors: ShownMirror[];
}

/** What a server serves: the repositories of a folder, copies of others', or all that another server has. */
export type ServedKind = 'folder' | 'cache' | 'upstream';

/** A copy that a cache has, or is making. */
export interface ShownCopy {
  /** Where it is served: `/<host>[:<port>]/<path>`. */
  path: string;
  /** Canonical's URL. */
  canonical: string;
  /**
   * `fetching`: for the first time; `fresh`: canonical has confirmed it within the ttl; `old`: not, and nobody has come since; `stale`: not, since
   * canonical does not answer; `gone`: canonical gives it no more, and so does the cache.
   */
  state: 'fetching' | 'fresh' | 'old' | 'stale' | 'gone';
  /** Why it is stale, in a few words; null in other states. */
  reason: string | null;
  confirmedAt: string | null;
  fetchingSince: string | null;
  bytes: number | null;
  /** Greetings since the server was started for which nothing had to be fetched. */
  hits: number;
  lastUsedAt: string | null;
}

/** A member of a group as the page shows it; what is unknown is null. */
export interface ShownMember {
  id: string;
  role: string;
  /** Without a login; null for a folder of this machine. */
  url: string | null;
  /** Whether it is the one that is served here. */
  self: boolean;
  /** As `gam replica status` tells it. */
  state: 'current' | 'behind' | 'diverged' | 'unreachable' | 'unknown' | 'retired';
  refsBehind: number | null;
  refsDiverged: number | null;
  /** Since when it is `behind`, `diverged` or `unreachable`, at least. */
  since: string | null;
  /** Why it is not reached, in a few words. */
  reason: string | null;
  /** How many refs the repository here has still to send to it, and when the first was queued. */
  queued: number;
  queuedSince: string | null;
}

/** A ref that is locked. */
export interface ShownLock {
  ref: string;
  holder: string;
  since: string;
  leaseMs: number;
}

/** The group of a repository that is served, seen from there. */
export interface ShownGroup {
  path: string;
  name: string;
  self: string;
  /** When it was looked at; null where nobody has yet. */
  seenAt: string | null;
  coordinator: {
    kind: string;
    arbiter: string | null;
    healthy: boolean | null;
    reason: string | null;
    latencyMs: number | null;
  };
  members: ShownMember[];
  locks: ShownLock[] | null;
}

/** What a repository has been used for since the server started. */
export interface Usage {
  path: string;
  requests: number;
  bytesIn: number;
  bytesOut: number;
  lastUsedAt: string;
}

/** What a server has counted in all, of requests for repositories; `errors` are of status 5xx, `refused` of 4xx. */
export interface Totals {
  requests: number;
  bytesIn: number;
  bytesOut: number;
  errors: number;
  refused: number;
  running: number;
  waiting: number;
}

/** All that the page shows, and `/-/status.json` holds. Keys stay as they are; there may be more of them one day. */
export interface Status {
  kind: ServedKind;
  server: { version: string; git: string | null; startedAt: string; now: string } & Totals;
  lists: ShownList[];
  /** Of the repositories that are members of one. */
  groups: ShownGroup[];
  /** Null for a server that is no cache. */
  copies: ShownCopy[] | null;
  /** Whether there are more repositories, mirrors or copies than are looked for. */
  truncated: boolean;
  /** Those used last, by path. */
  repositories: Usage[];
}
