import { GamError } from '../errors.ts';
import type { StateChange } from './coordinator.ts';
import type { EtcdCluster } from './etcd-cluster.ts';
import type { EtcdFence } from './etcd-fence.ts';
import type { EtcdKeys } from './etcd-keys.ts';
import { type WideRecord, writeParts, writeWideRecord } from './etcd-parts.ts';
import { clear, isThere, look, stands, untie, write } from './etcd-requests.ts';
import { readParts, readState, wideRecordIn } from './etcd-state.ts';
import { WIDE } from './group-refs.ts';
import { leaseLost, replicaBehind, wideTimeout } from './lock-errors.ts';

/** What a commit works with. */
export interface Group {
  cluster: EtcdCluster;
  keys: EtcdKeys;
}

/** A transaction of etcd's has 128 operations at most (--max-txn-ops), and as many comparisons. */
const MOST_PARTS = 120;
const AT_ONCE = 100;
/** So many transactions are under way at a time. */
const SIDE_BY_SIDE = 8;

/** How often a commit is looked at that is waited for, without a word from etcd. */
const LOOK_MS = 1000;

/** Does something with each, some at a time. */
async function sideBySide<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const lane = async () => {
    try {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
    } finally {
      left.length = 0;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: SIDE_BY_SIDE }, lane));
  const failed = lanes.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/**
 * Carries a commit of many refs on to each of them, and takes its record away. Anybody may, at any time, and several at once: what is
 * written is the same, and only while the record stands. As long as it does nobody commits anything else, so that nothing newer is
 * overwritten.
 */
async function carryOn({ cluster, keys }: Group, record: WideRecord, revision: string): Promise<void> {
  const text = writeWideRecord(record);
  const values = await readParts(cluster, keys, record, revision);
  const groups = Array.from({ length: Math.ceil(values.length / AT_ONCE) }, (_, n) =>
    values.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
  );
  await sideBySide(groups, async (group) => {
    const success = group.map(({ ref, oid }) => write(keys.state(ref), oid));
    await cluster.txn({ compare: [stands(keys.wide, text)], success });
  });
  await cluster.txn({
    compare: [stands(keys.wide, text)],
    success: [write(keys.wide, null), clear(keys.parts(record.id))],
  });
}

/**
 * Sees to it that no commit of many refs is under way: carries on one that is committed, and waits for one that prepares; or until
 * the fence's locks are lost.
 *
 * @param until by performance.now()'s clock; one that is committed is carried on in any case
 * @throws GamError `lock-timeout` when that takes too long, `member-unreachable`
 */
export async function passWide(group: Group, fence: EtcdFence, until: number): Promise<void> {
  const { cluster, keys } = group;
  for (let looks = 0; !fence.lost.aborted; looks += 1) {
    const { found, revision } = await cluster.txn({ success: [look(keys.wide)] });
    const record = wideRecordIn(found[0]?.[0], keys);
    if (record === null) return;
    const left = until - performance.now();
    if (left <= 0 && (looks > 0 || record.phase === 'preparing')) throw wideTimeout();
    if (record.phase === 'committed') await carryOn(group, record, revision);
    else await cluster.changed(keys.wide, revision, Math.min(left, LOOK_MS), fence.lost);
  }
}

/**
 * Commits more refs than fit in a transaction, at one moment all the same:
 *
 * 1. A record says that it prepares. As long as a record stands, nobody else commits (etcd-lease.ts), so that the state
 *    does not change from here on. It is tied to the pusher's lease: when the pusher dies the record goes, and nothing has happened.
 * 2. The refs are compared with what they are meant to be, and what they become is written beside them, in parts, tied to the same lease.
 * 3. The commit point: one transaction, fenced by the lock, says in the record that it is committed, and ties record and parts to no lease.
 *    From then on whoever reads the state reads the parts over it.
 * 4. The parts are carried on to the refs, and then taken away with the record. Whoever dies in the midst of this leaves it to the
 *    next that commits.
 *
 * A transaction of these that comes late finds another record than its own, or none, and does nothing.
 */
export async function commitWide(
  group: Group,
  fence: EtcdFence,
  changes: readonly StateChange[],
  until: number,
): Promise<void> {
  const { cluster, keys } = group;
  const stamps = [fence.stamp(), fence.stamp()] as const;
  const id = fence.id();
  const values = changes.map(({ ref, new: oid }) => ({ ref, oid }));
  const parts = writeParts(values).map((part, number) => ({ name: keys.part(id, number), part }));
  if (parts.length > MOST_PARTS)
    throw new GamError('bad-request', `${changes.length} refs are more than can be pushed at once`, {
      suggestion: 'push them in parts',
    });
  const preparing = writeWideRecord({ phase: 'preparing', id, parts: parts.length });
  const committed: WideRecord = { phase: 'committed', id, parts: parts.length };
  try {
    await raise(group, fence, stamps[0], preparing, until);
    const state = await readState(cluster, keys);
    const moved = changes.find(({ ref, old }) => (state.get(ref) ?? null) !== old);
    if (moved !== undefined) throw replicaBehind(moved.ref);
    await sideBySide(parts, async ({ name, part }) => {
      // One that comes late would tie a committed part to a lease again.
      const compare = [stands(keys.wide, preparing)];
      await cluster.txn({ compare, success: [write(name, part, fence.lease)] });
    });
    const refused = await fence.does({
      stamp: stamps[1],
      refs: [WIDE],
      compare: [stands(keys.wide, preparing), ...parts.map(({ name }) => isThere(name))],
      success: [write(keys.wide, writeWideRecord(committed)), ...parts.map(({ name }) => untie(name))],
      look: [],
    });
    if (refused !== null) throw leaseLost(WIDE);
  } catch (error) {
    const success = [write(keys.wide, null), clear(keys.parts(id))];
    // Where it cannot be taken back it goes with the lease.
    await cluster.txn({ compare: [stands(keys.wide, preparing)], success }).catch(() => undefined);
    throw error;
  }
  // It is committed, whatever comes of this.
  await passWide(group, fence, 0).catch(() => undefined);
}

async function raise(
  group: Group,
  fence: EtcdFence,
  stamp: string,
  preparing: string,
  until: number,
): Promise<void> {
  const { wide } = group.keys;
  const deed = {
    stamp,
    refs: [WIDE],
    compare: [stands(wide, null)],
    success: [write(wide, preparing, fence.lease)],
    look: [],
  };
  while ((await fence.does(deed)) !== null) await passWide(group, fence, until);
}
