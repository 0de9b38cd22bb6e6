import type { RefSwap } from '../git/swap-refs.ts';

/** What a ref of the group is meant to become; null where it is meant not to be. */
export interface StateChange {
  ref: string;
  old: string | null;
  new: string | null;
}

/** A lock, as everybody sees it. */
export interface HeldLock {
  ref: string;
  /** The member whose push it is. */
  holder: string;
  transaction: string;
  /** When it was taken, by the holder's clock, in milliseconds since the epoch. */
  since: number;
  /** For so many milliseconds it holds without being renewed. */
  leaseMs: number;
}

/** What a member does along with a commit, where the state stands in its repository: both are one request then. */
export interface Along {
  /** The member's id. */
  member: string;
  swaps: readonly RefSwap[];
}

/** Locks that are held, for one push. */
export interface Lease {
  readonly refs: readonly string[];
  /** Aborts when the locks may be another's by now. Nothing is committed under them from then on. */
  readonly lost: AbortSignal;
  /**
   * The commit point: all refs are meant to be what the changes say, or none.
   *
   * @throws GamError `replica-behind` when one of them was meant to be something else, `lease-lost` when a lock was
   *   another's already, `member-unreachable` when nothing is known of how it went
   * @param along is swapped behind it, if it can be; and the locks may be given back, as nothing else will be committed
   * @returns whether that was
   */
  commit(changes: readonly StateChange[], along?: Along): Promise<boolean>;
  /** Gives the locks back, if they are held still. To be called whatever happens. */
  release(): Promise<void>;
}

/** A commit that need not wait for anybody. */
export interface CommitAtOnce {
  /** The member that asks. */
  holder: string;
  transaction: string;
  changes: readonly StateChange[];
  /** Done behind it. */
  along: Along;
  /** Sent along, with all that they lead to. */
  objects: readonly string[];
}

/** How locks are waited for. */
export interface LockOptions {
  /** The member that asks. */
  holder: string;
  transaction: string;
  /** Gives up. */
  signal: AbortSignal;
  /** Told of a lock that is waited for, now and then. */
  waiting?: (held: HeldLock) => void;
}

/**
 * Where a group's state and locks live: what each ref is meant to be, and who is changing it. All that members agree on
 * they agree on here; whoever implements it must pass test/integration/replica/coordinator.ts.
 */
export interface Coordinator {
  /**
   * Takes the locks of refs, all of them or none.
   * @throws GamError `lock-timeout` when the signal comes before, `member-unreachable`
   */
  lock(refs: readonly string[], options: LockOptions): Promise<Lease>;
  /**
   * Takes locks, commits and gives the locks back, all in one request; if nobody holds one of them, and the state is what the changes say. Where
   * locks cost no request, there need be no such thing.
   * @returns null where it was not done, for whatever reason; else whether what goes along was
   * @throws GamError `member-unreachable` or `git-failed` when nobody knows whether it was done; anything else when it was not
   */
  commitAtOnce?(commit: CommitAtOnce): Promise<boolean | null>;
  /**
   * What refs are meant to be; those that are meant not to be are not in it.
   * @throws GamError `member-unreachable`
   */
  state(): Promise<ReadonlyMap<string, string>>;
  /** The locks that are held now. One that has not been renewed for its lease, as whoever asks twice sees, is none. */
  locks(): Promise<HeldLock[]>;
  /**
   * Gives back the locks of a push whose process is known to be gone, so that nobody waits for the end of its lease. Where
   * leases end by themselves, there need be no such thing.
   * @throws GamError `member-unreachable`
   */
  abandon?(transaction: string): Promise<void>;
  /** Lets go of lines and timers. Locks that are held stay until their leases end. */
  close(): Promise<void>;
}
