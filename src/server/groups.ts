/** How a member of a group stands, as src/replica tells it. Times are ISO 8601; what is unknown is null. */
export interface SeenMember {
  id: string;
  role: string;
  /** Without a login. */
  url: string;
  /** Whether it is the one that is served here. */
  self: boolean;
  state: 'current' | 'behind' | 'diverged' | 'unreachable' | 'unknown' | 'retired';
  refsBehind: number | null;
  refsDiverged: number | null;
  since: string | null;
  reason: string | null;
  /** How many refs the one here has still to send to it, and for how many milliseconds the first has been waiting. */
  queued: number;
  queuedMs: number | null;
}

/** A lock that is held. */
export interface SeenLock {
  ref: string;
  holder: string;
  ageMs: number;
  leaseMs: number;
}

/** How a group stands, seen from the member that is served. */
export interface SeenGroup {
  group: string;
  self: string;
  coordinator: {
    kind: string;
    arbiter: string | null;
    healthy: boolean | null;
    reason: string | null;
    latencyMs: number | null;
  };
  members: readonly SeenMember[];
  locks: readonly SeenLock[] | null;
}

/** Where a server learns of the groups that its repositories are in; replicas are another application's. */
export interface GroupSource {
  /** Whether a repository may be in one: a look at its folder, no more. */
  mayBeMember(gitDir: string): boolean;
  /** What the repository itself tells; null where it is in none, or is not served. Nobody else is asked. */
  open(gitDir: string): Promise<SeenGroup | null>;
  /** As open(), with what the members and the coordinator tell. It ends soon, whoever does not answer. */
  look(gitDir: string, signal: AbortSignal): Promise<SeenGroup | null>;
}
