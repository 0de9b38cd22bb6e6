import type { ICompare, IKeyValue, IRequestOp } from 'etcd3';
import { GamError } from '../errors.ts';
import type { EtcdCluster } from './etcd-cluster.ts';
import type { EtcdCountdown } from './etcd-countdown.ts';
import type { EtcdKeys } from './etcd-keys.ts';
import { look, madeAt, write, writtenAt } from './etcd-requests.ts';
import { leaseLost } from './lock-errors.ts';
import { type LockRecord, writeLockRecord } from './lock-record.ts';

/** Locks that are held, as etcd knows them. */
export interface HeldKeys {
  refs: readonly string[];
  /** The store's revision when they were taken. */
  madeAt: string;
  record: LockRecord;
  countdown: EtcdCountdown;
}

/** What is to happen under locks. */
export interface Deed {
  /** A text of its own, from stamp(): where it was left, this has happened. */
  stamp: string;
  /** The locks under which it happens. */
  refs: readonly string[];
  compare: readonly ICompare[];
  success: readonly IRequestOp[];
  /** What is looked at when it cannot happen. */
  look: readonly Buffer[];
}

/**
 * Has things happen under locks, each at most once, and none when a lock was another's meanwhile.
 *
 * A transaction compares the revision at which each lock was made: a lock that ran out and was taken again was made at another
 * one. It leaves a stamp in the first of the locks, and compares when that was last written. Say an answer is lost, and it is
 * sent again: the stamp tells that it has happened. Say it has not, and the first attempt is still on its way: what comes second
 * of the two finds the lock written, and does nothing; even where the refs are again what they were before.
 */
export class EtcdFence {
  readonly #cluster: EtcdCluster;
  readonly #keys: EtcdKeys;
  readonly #held: HeldKeys;
  readonly #mark: Buffer;
  /** When the mark was last written; 0, at which nothing is written, where that is to be found out. */
  #writtenAt: string;
  #stamps = 0;
  /** Whether something was sent since the last stamp without an answer. */
  #doubted = false;

  constructor(cluster: EtcdCluster, keys: EtcdKeys, held: HeldKeys) {
    this.#cluster = cluster;
    this.#keys = keys;
    this.#held = held;
    this.#mark = keys.lock(held.refs[0] ?? '');
    this.#writtenAt = held.madeAt;
  }

  /** A text for a deed: another one each time. */
  stamp(): string {
    this.#stamps += 1;
    this.#doubted = false;
    return writeLockRecord({ ...this.#held.record, renewal: this.#stamps });
  }

  /** A name for what is made on the way: no other push has it, nor any other commit of this one. */
  id(): string {
    return `${this.#held.madeAt}-${this.#stamps}`;
  }

  get lease(): string {
    return this.#held.countdown.id;
  }

  get lost(): AbortSignal {
    return this.#held.countdown.lost;
  }

  /**
   * Does a deed; null when it is done, else what stands where it is to look.
   * @throws GamError `lease-lost`, `member-unreachable`, `member-refused`
   */
  async does(deed: Deed): Promise<(IKeyValue | undefined)[] | null> {
    const locks = deed.refs.map((ref) => this.#keys.lock(ref));
    for (;;) {
      if (this.lost.aborted) throw this.#lostOf(deed.refs[0] ?? '');
      const outcome = await this.#send(deed, locks);
      this.#doubted ||= outcome.doubted;
      if (outcome.succeeded) {
        this.#writtenAt = outcome.revision;
        return null;
      }
      const [mark, ...rest] = outcome.found.map(([kv]) => kv);
      const taken = deed.refs.find((_, at) => rest[at]?.create_revision !== this.#held.madeAt);
      if (mark?.create_revision !== this.#held.madeAt || taken !== undefined) {
        this.#held.countdown.lose();
        throw this.#lostOf(taken ?? this.#held.refs[0] ?? '');
      }
      const isKnown = mark.mod_revision === this.#writtenAt;
      this.#writtenAt = mark.mod_revision;
      if (mark.value.toString() === deed.stamp) return null;
      if (isKnown) return rest.slice(locks.length);
    }
  }

  async #send(deed: Deed, locks: readonly Buffer[]) {
    const [known, { madeAt: since }] = [this.#writtenAt, this.#held];
    this.#writtenAt = '0';
    const outcome = await this.#cluster.txn({
      compare: [writtenAt(this.#mark, known), ...locks.map((lock) => madeAt(lock, since)), ...deed.compare],
      success: [write(this.#mark, deed.stamp, this.lease), ...deed.success],
      failure: [this.#mark, ...locks, ...deed.look].map(look),
    });
    this.#writtenAt = known;
    return outcome;
  }

  // An attempt that was not answered may have happened before the lock was lost.
  #lostOf(ref: string): GamError {
    if (!this.#doubted) return leaseLost(ref);
    const why = `the lock of ${ref} was lost while ${this.#cluster.name} did not answer`;
    return new GamError('member-unreachable', why, {
      suggestion: 'fetch: it tells whether the push went in',
    });
  }
}
