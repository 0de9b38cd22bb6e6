import { GamError } from '../errors.ts';
import { fetchObjects, missingObjects, unreached } from '../git/reach.ts';
import { type RefSwap, storedRefs, swapRefs } from '../git/swap-refs.ts';
import { adoptGroup } from './adopt-group.ts';
import { convergence, type RefValues } from './converge.ts';
import { GROUP_REF, isPrimary, isPublished } from './group.ts';
import type { Replica } from './replica.ts';

/** What catching up came to. */
export interface CaughtUp {
  /** Refs that were moved. */
  moved: string[];
  /** Refs at which stood what the group has not; it is kept under refs/gam/diverged/. */
  kept: string[];
}

/** Where offers of transactions wait (offer.ts). */
const INCOMING = 'refs/gam/incoming/';

const transactionOf = (ref: string) => ref.slice(INCOMING.length).split('/')[0] ?? '';

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

async function swapEach(replica: Replica, swaps: readonly RefSwap[]): Promise<RefSwap[]> {
  if ((await swapRefs(swaps, replica.run)) === null) return [...swaps];
  const done: RefSwap[] = [];
  for (const swap of swaps) if ((await swapRefs([swap], replica.run)) === null) done.push(swap);
  return done;
}

/**
 * Makes this member's refs what the group's state says. What stood there and would be lost is kept aside.
 *
 * @throws GamError `member-unreachable` when the coordinator, or whoever has the objects, cannot be reached
 */
export async function catchUp(replica: Replica): Promise<CaughtUp> {
  const { group, run } = replica;
  const coordinator = await replica.openCoordinator();
  try {
    // In this order: a ref moves here only after its state has, and an offer comes only after its lock.
    const offers = await storedRefs([INCOMING], run);
    const open = new Set((await coordinator.locks()).map(({ transaction }) => transaction));
    const here = await valuesHere(replica);
    const state = await coordinator.state();
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
    const done = await swapEach(replica, swaps);
    await adoptGroup(replica, done);
    const over = [...offers].filter(([ref]) => !open.has(transactionOf(ref)));
    await swapEach(
      replica,
      over.map(([ref, { oid }]) => ({ ref, old: oid, new: null })),
    );
    const moved = done.map(({ ref }) => ref).filter((ref) => isPublished(group, ref));
    return { moved, kept };
  } finally {
    await coordinator.close();
  }
}
