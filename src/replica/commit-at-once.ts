import { Unsent } from '../git/push-request.ts';
import { prepareSwap } from '../git/swap-refs.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { Coordinator } from './coordinator.ts';
import { isPrimary, type Member, quorum } from './group.ts';
import { type Moved, moveHere, type Push } from './push.ts';
import { isUncertain } from './refs-arbiter.ts';
import { outcomeUnknown } from './refusals.ts';
import type { Replica } from './replica.ts';

/**
 * The member that takes the objects of a push, changes the state and moves its own refs in one request: the arbiter, if that is another
 * primary, and both are a quorum.
 */
export function arbiterAtOnce({ group, self }: Replica, coordinator: Coordinator): Member | null {
  const arbiter = group.members.find(({ id }) => id === group.arbiter);
  if (!('commitAtOnce' in coordinator) || arbiter === undefined || !isPrimary(arbiter)) return null;
  return arbiter.id === self.id || quorum(group) > 2 ? null : arbiter;
}

/**
 * Tries to have all refs moved here, in the state and at the arbiter, in one request and without waiting for anybody.
 * @returns null where it was not done: to be done step by step
 * @throws GamError `outcome-unknown`; anything else when nothing has moved
 */
export async function commitAtOnce(
  { replica, transaction, coordinator, options }: Push,
  arbiter: Member,
  updates: readonly RefUpdate[],
): Promise<Moved | null> {
  const prepared = await prepareSwap(updates, replica.run);
  if (typeof prepared === 'string') return null;
  let isAlong: boolean | null | undefined;
  try {
    isAlong = await coordinator.commitAtOnce?.({
      holder: replica.self.id,
      transaction,
      changes: updates,
      along: { member: arbiter.id, swaps: updates },
      objects: updates.flatMap(({ new: to }) => to ?? []),
    });
  } catch (error) {
    await prepared.abort();
    throw isUncertain(error) && !(error instanceof Unsent) ? outcomeUnknown(error as Error) : error;
  }
  if (isAlong === null || isAlong === undefined) {
    await prepared.abort();
    return null;
  }
  await moveHere(replica, prepared, options.tell);
  return { done: updates, at: isAlong ? [arbiter] : [] };
}
