import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import { fetchObjects, missingObjects, unreached } from '../git/reach.ts';
import { clearRefLocks } from '../git/stale-ref-locks.ts';
import { type RefSwap, storedRefs } from '../git/swap-refs.ts';
import { adoptGroup } from './adopt-group.ts';
import { clearOffers, findOffers, type Waiting } from './clear-offers.ts';
import { convergence, type RefValues } from './converge.ts';
import type { Coordinator } from './coordinator.ts';
import { GROUP_REF, isPrimary, isPublished } from './group.ts';
import type { Replica } from './replica.ts';
import { swapToConverge } from './swap-most.ts';

/** What catching up came to. */
export interface CaughtUp {
  /** Refs that were moved. */
  moved: string[];
  /** Refs at which stood what the group has not; it is kept under refs/gam/diverged/. */
  kept: string[];
}

/** The refs of this repository that the group keeps alike. */
export async function valuesHere({ group, run }: Replica): Promise<Map<string, string>> {
  const refs = await storedRefs([...group.publish, GROUP_REF], run);
  return new Map([...refs].map(([ref, { oid }]) => [ref, oid]));
}

/**
 * Fetches what is not here of some ids, from whichever member has it.
 * @throws GamError `member-unreachable`
 */
export async function bring(replica: Replica, wanted: readonly string[]): Promise<void> {
  const { group, self, run, bounds } = replica;
  let missing = await missingObjects(wanted, run);
  const order = [...group.members].sort(
    (a, b) =>
      Number(b.id === group.arbiter) - Number(a.id === group.arbiter) ||
      Number(isPrimary(b)) - Number(isPrimary(a)),
  );
  for (const { id, url } of order) {
    if (missing.length === 0) return;
    if (id === self.id) continue;
    // For so long again as members may be silent: what is fetched may be large.
    const signal = AbortSignal.timeout(60 * bounds.memberMs);
    await fetchObjects(url, missing, { ...run, signal }).catch(() => false);
    missing = await missingObjects(missing, run);
  }
  if (missing.length === 0) return;
  throw new GamError('member-unreachable', `${missing.length} objects are at no member that can be reached`, {
    suggestion: 'gam replica status tells who is there',
  });
}

async function move(replica: Replica, coordinator: Coordinator): Promise<CaughtUp & { unmoved: string[] }> {
  const { group, run } = replica;
  // In this order: a ref moves here only after its state has.
  const here = await valuesHere(replica);
  const state = await coordinator.state();
  // The group's document is there from its beginning to its end.
  if (!state.has(GROUP_REF))
    throw new GamError('bad-config', 'the coordinator has lost the state of the group: nothing is moved', {
      suggestion: 'see whether the repository of the arbiter, or the etcd cluster, was replaced',
    });
  const wanted: RefValues = new Map(
    [...state].filter(([ref]) => ref === GROUP_REF || isPublished(group, ref)),
  );
  const different = [...wanted].filter(([ref, oid]) => here.get(ref) !== oid).map(([, oid]) => oid);
  await bring(replica, different);
  const old = [...here]
    .filter(([ref, oid]) => ref !== GROUP_REF && wanted.get(ref) !== oid)
    .map(([, oid]) => oid);
  const lost = await unreached(old, [...wanted.values()], run);
  const { swaps, kept } = convergence(here, wanted, (oid) => !lost.has(oid));
  const done = await swapToConverge(swaps, run);
  await adoptGroup(replica, done);
  const published = ({ ref }: RefSwap) => (isPublished(group, ref) ? [ref] : []);
  return {
    moved: done.flatMap(published),
    kept,
    unmoved: swaps.filter((swap) => !done.includes(swap)).flatMap(published),
  };
}

// Whoever pushes meanwhile may have moved refs before this did.
async function stillBehind(
  replica: Replica,
  coordinator: Coordinator,
  refs: readonly string[],
): Promise<string[]> {
  if (refs.length === 0) return [];
  const state = await coordinator.state();
  const here = await valuesHere(replica);
  return refs.filter((ref) => here.get(ref) !== state.get(ref));
}

async function clearLocks({ gitDir, bounds }: Replica, waiting: Waiting): Promise<string[]> {
  const { left } = await clearRefLocks(gitDir, bounds.leaseMs);
  if (waiting === null || left.length === 0) return left;
  waiting(`${left[0]} is locked: waiting for ${bounds.leaseMs / 1000} s whether somebody is at work there`);
  await pause(bounds.leaseMs);
  return (await clearRefLocks(gitDir, bounds.leaseMs)).left;
}

/**
 * Makes this member's refs what the group's state says. What stood there and would be lost is kept aside; locks that a killed git has
 * left are removed, and offers of pushes that are over.
 *
 * @param waiting told what is waited for, to see which locks and offers are left of pushes that are gone; null not to wait
 * @throws GamError `member-unreachable` when the coordinator, or whoever has the objects, cannot be reached; `replica-behind` when some
 *   refs could not be moved
 */
export async function catchUp(replica: Replica, waiting: Waiting = null): Promise<CaughtUp> {
  const coordinator = await replica.openCoordinator();
  try {
    const locked = await clearLocks(replica, waiting);
    const offers = await findOffers(replica, coordinator);
    const { unmoved, ...caughtUp } = await move(replica, coordinator);
    await clearOffers(replica, coordinator, offers, waiting);
    const behind = await stillBehind(replica, coordinator, unmoved);
    const left = [...behind, ...locked.filter((name) => existsSync(join(replica.gitDir, name)))];
    if (left.length === 0) return caughtUp;
    throw new GamError('replica-behind', `${left.length} refs could not be moved, such as ${left[0]}`, {
      suggestion: 'somebody is at work there, or was killed a moment ago: try again in a minute',
    });
  } finally {
    await coordinator.close();
  }
}
