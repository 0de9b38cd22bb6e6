import { refsLocked } from '../git/stale-ref-locks.ts';
import { type PreparedSwap, prepareSwap, storedRefs } from '../git/swap-refs.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { Refusals } from './refusals.ts';
import type { Replica } from './replica.ts';
import { wakeHere } from './wake.ts';

/** Which of the updates do not start from what is here. */
async function movedHere(replica: Replica, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const refs = await storedRefs(
    updates.map(({ ref }) => ref),
    replica.run,
  );
  return updates.filter(({ ref, old }) => (refs.get(ref)?.oid ?? null) !== old);
}

/** Prepares as many as can be: all, or, where some are not what they must be, those that are. */
export async function prepareMost(
  replica: Replica,
  updates: readonly RefUpdate[],
  atomic: boolean,
  refusals: Refusals,
): Promise<{ prepared: PreparedSwap; updates: readonly RefUpdate[] } | null> {
  let left = updates;
  while (left.length > 0) {
    const prepared = await prepareSwap(left, replica.run);
    if (typeof prepared !== 'string') return { prepared, updates: left };
    const moved = await movedHere(replica, left);
    if (moved.length === 0 && refsLocked(replica.gitDir, left)) wakeHere(replica.gitDir);
    const isOne = left.length === 1 || atomic || moved.length === left.length;
    // Beside refs that moved there are those that cannot be written, such as a branch named as a folder of others.
    const bad = isOne ? left : moved.length > 0 ? moved : await unwritable(replica, left);
    for (const { ref } of bad) refusals.set(ref, `gam: ${prepared}`);
    left = left.filter((update) => !bad.includes(update));
    if (bad.length === 0) return null;
  }
  return null;
}

async function unwritable(replica: Replica, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const bad: RefUpdate[] = [];
  for (const update of updates) {
    const alone = await prepareSwap([update], replica.run);
    if (typeof alone === 'string') bad.push(update);
    else await alone.abort();
  }
  // Each can be written, but not all of them together.
  return bad.length > 0 ? bad : updates.slice(1);
}
