import { GamError } from '../errors.ts';
import type { Coordinator, HeldLock, Lease, LockOptions } from './coordinator.ts';
import { EtcdCluster, type Outcome } from './etcd-cluster.ts';
import { EtcdCountdown } from './etcd-countdown.ts';
import type { EtcdEndpoints } from './etcd-endpoints.ts';
import { etcdKeys, nameIn } from './etcd-keys.ts';
import { EtcdLease, MOST_AT_ONCE } from './etcd-lease.ts';
import type { MembersOptions } from './etcd-members.ts';
import { look, stands, write } from './etcd-requests.ts';
import { readState } from './etcd-state.ts';
import type { Group } from './etcd-wide.ts';
import { lockedFor } from './group-refs.ts';
import { lockTimeout } from './lock-errors.ts';
import { heldLock, type LockRecord, parseLockRecord, writeLockRecord } from './lock-record.ts';

/** How a group finds its cluster of etcd. */
export interface EtcdOptions {
  endpoints: EtcdEndpoints;
  /** The group's name: several may share a cluster. */
  group: string;
  /** How long a lock holds without being renewed, in milliseconds; etcd counts whole seconds. */
  leaseMs?: number;
  /** How long anything is asked before it is given up, in milliseconds. */
  answerMs?: number;
  /** How often a lock that is waited for is looked at without a word from etcd, in milliseconds. */
  lookMs?: number;
  certificates?: MembersOptions['certificates'];
}

const LEASE_MS = 15_000;
const ANSWER_MS = 10_000;
const LOOK_MS = 2000;

/** An attempt at locks: taken when they were made, or held by somebody. */
type Attempt = { madeAt: string } | { held: { key: Buffer; lock: HeldLock | null } | null; revision: string };

/**
 * A coordinator in a cluster of etcd: state and locks are keys there, changed by its transactions. What most of its members
 * know is known; so it goes on without a minority of them, and without most of them everything is refused.
 *
 * Locks are tied to a lease of etcd's, and go with it. No two clocks are compared: etcd counts down, and the holder, too, from before it has
 * asked.
 */
class EtcdCoordinator implements Coordinator {
  readonly #group: Group;
  readonly #leaseMs: number;
  readonly #lookMs: number;

  constructor(group: Group, leaseMs: number, lookMs: number) {
    this.#group = group;
    this.#leaseMs = leaseMs;
    this.#lookMs = lookMs;
  }

  async lock(refs: readonly string[], options: LockOptions): Promise<Lease> {
    const { holder, transaction, signal, waiting } = options;
    const { cluster } = this.#group;
    const wanted = lockedFor(refs, MOST_AT_ONCE);
    const since = Date.now();
    let held: HeldLock | null = null;
    let countdown: EtcdCountdown | null = null;
    try {
      for (;;) {
        if (signal.aborted) throw lockTimeout(held);
        // One that ran out while others were waited for has tied nothing.
        if (countdown === null || countdown.lost.aborted)
          countdown = await EtcdCountdown.begin(cluster, this.#leaseMs, signal);
        const record = { holder, transaction, since, leaseMs: countdown.leaseMs, renewal: 0, changes: [] };
        const attempt = await this.#attempt(wanted, record, countdown.id, signal);
        if ('madeAt' in attempt) {
          const lease = new EtcdLease(this.#group, { refs: wanted, ...attempt, record, countdown });
          countdown = null;
          return lease;
        }
        held = attempt.held?.lock ?? held;
        if (attempt.held?.lock) waiting?.(attempt.held.lock);
        if (attempt.held !== null)
          await cluster.changed(attempt.held.key, attempt.revision, this.#lookMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      // Time is over, and it was not for others that it was: nobody answered.
      if (held === null && error instanceof GamError)
        throw new GamError('lock-timeout', error.message, { cause: error, suggestion: 'push again later' });
      throw lockTimeout(held);
    } finally {
      await countdown?.end();
    }
  }

  async state(): Promise<ReadonlyMap<string, string>> {
    return readState(this.#group.cluster, this.#group.keys);
  }

  async locks(): Promise<HeldLock[]> {
    const { cluster, keys } = this.#group;
    const held: HeldLock[] = [];
    for await (const { key, value } of cluster.read(keys.locks)) {
      const record = parseLockRecord(value.toString());
      if (record !== null) held.push(heldLock(nameIn(keys.locks, key), record));
    }
    return held;
  }

  async close(): Promise<void> {
    this.#group.cluster.close();
  }

  async #attempt(
    wanted: readonly string[],
    record: LockRecord,
    lease: string,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { cluster, keys } = this.#group;
    const locks = wanted.map((ref) => keys.lock(ref));
    const text = writeLockRecord(record);
    const outcome: Outcome = await cluster.txn(
      {
        compare: locks.map((lock) => stands(lock, null)),
        success: locks.map((lock) => write(lock, text, lease)),
        failure: locks.map(look),
      },
      { signal },
    );
    if (outcome.succeeded) return { madeAt: outcome.revision };
    const found = outcome.found.flatMap((kvs) => kvs);
    // It was taken, and the answer got lost: all of them, then.
    const own = found.find((kv) => kv.lease === lease);
    if (own !== undefined) return { madeAt: own.create_revision };
    const [first] = found;
    if (first === undefined) return { held: null, revision: outcome.revision };
    const other = parseLockRecord(first.value.toString());
    const lock = other === null ? null : heldLock(nameIn(keys.locks, first.key), other);
    return { held: { key: first.key, lock }, revision: outcome.revision };
  }
}

/**
 * Opens a coordinator in a cluster of etcd. Nobody is contacted yet.
 * @throws GamError `bad-config` for a group whose name cannot stand in keys
 */
export async function openEtcdCoordinator(options: EtcdOptions): Promise<Coordinator> {
  const {
    endpoints,
    group,
    leaseMs = LEASE_MS,
    answerMs = ANSWER_MS,
    lookMs = LOOK_MS,
    certificates,
  } = options;
  const keys = etcdKeys(group);
  const reached = { endpoints, answerMs, ...(certificates === undefined ? {} : { certificates }) };
  const cluster = await EtcdCluster.open(reached);
  return new EtcdCoordinator({ cluster, keys }, leaseMs, lookMs);
}
