import { GamError } from '../errors.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { Coordinator, Lease } from './coordinator.ts';
import type { Member } from './group.ts';
import { withdrawal } from './offer.ts';
import { prepareMost } from './prepare-most.ts';
import { type Moved, moveHere, type Push } from './push.ts';
import { isUncertain } from './refs-arbiter.ts';
import { outcomeUnknown, type Refusals, reasonOf } from './refusals.ts';
import { wakeHere } from './wake.ts';

/** Which of the updates do not start from the group's state; this member is behind with these. */
async function behind(coordinator: Coordinator, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const state = await coordinator.state();
  return updates.filter(({ ref, old }) => (state.get(ref) ?? null) !== old);
}

/** A push at its commit point. */
interface Committing extends Push {
  /** The members that have the objects. */
  taken: readonly Member[];
  lease: Lease;
  refusals: Refusals;
}

/**
 * Has refs here and in the state moved: all that can be together.
 * @throws GamError `outcome-unknown`; anything else when nothing has moved
 */
export async function commitMost(
  { replica, transaction, taken, coordinator, lease, refusals, options: { atomic, tell } }: Committing,
  updates: readonly RefUpdate[],
): Promise<Moved> {
  const arbiter = taken.find(({ id }) => id === replica.group.arbiter);
  let left = updates;
  for (;;) {
    const most = await prepareMost(replica, left, atomic, refusals);
    if (most === null) return { done: [], at: [] };
    left = most.updates;
    let isAlong: boolean;
    try {
      const swaps = [...left, ...withdrawal(transaction, left)];
      isAlong = await lease.commit(left, arbiter && { member: arbiter.id, swaps });
    } catch (error) {
      await most.prepared.abort();
      if (!(error instanceof GamError) || isUncertain(error)) throw outcomeUnknown(error as Error);
      if (error.code !== 'replica-behind') throw error;
      wakeHere(replica.gitDir);
      const late = await behind(coordinator, left);
      const bad = atomic || late.length === 0 ? left : late;
      const isAlone = (ref: string) => late.some((update) => update.ref === ref);
      for (const { ref } of bad)
        refusals.set(ref, isAlone(ref) ? reasonOf(error) : 'gam: refused with the others of an atomic push');
      left = left.filter((update) => !bad.includes(update));
      if (left.length === 0) return { done: [], at: [] };
      continue;
    }
    await moveHere(replica, most.prepared, tell);
    return { done: left, at: arbiter !== undefined && isAlong ? [arbiter] : [] };
  }
}
