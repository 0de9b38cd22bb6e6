import { inOrder, type RefValues } from './converge.ts';
import type { Coordinator, StateChange } from './coordinator.ts';
import { GROUP_REFS } from './group-refs.ts';
import type { Replica } from './replica.ts';

/**
 * What a hosted member and the group had when they were last the same stands in the group's state, beside what refs are meant to be: any
 * primary may be the next to look, and a record of its own would be old by then. A branch that was deleted and made again would be
 * taken for one that was deleted over there.
 */
const prefixOf = (id: string) => `${GROUP_REFS}hosted/${id}`;

/** Stands for a hosted member where locks are taken: only one primary at a time looks at it. */
export function hostedLock(id: string): string {
  return prefixOf(id);
}

/** What was last seen to be the same on both sides, out of the group's state. */
export function seenOf(id: string, state: RefValues): Map<string, string> {
  const prefix = `${prefixOf(id)}/`;
  const own = [...state].filter(([name]) => name.startsWith(prefix));
  return new Map(own.map(([name, oid]) => [`refs/${name.slice(prefix.length)}`, oid]));
}

/** Puts down what both sides have now. */
export async function putSeen(
  replica: Replica,
  coordinator: Coordinator,
  id: string,
  changes: readonly StateChange[],
): Promise<void> {
  const named = changes.map((change) => ({
    ...change,
    ref: `${prefixOf(id)}/${change.ref.replace(/^refs\//, '')}`,
  }));
  for (const batch of inOrder(named)) {
    const lease = await coordinator.lock(
      batch.map(({ ref }) => ref),
      {
        holder: replica.self.id,
        transaction: `${replica.self.id}-hosted-${id}`,
        signal: AbortSignal.timeout(replica.bounds.lockMs),
      },
    );
    try {
      await lease.commit(batch);
    } finally {
      await lease.release();
    }
  }
}

/** Forgets all that was seen of a hosted member: a new one may get its id. */
export async function forgetSeen(replica: Replica, id: string): Promise<void> {
  const coordinator = await replica.openCoordinator();
  try {
    const seen = seenOf(id, await coordinator.state());
    const changes = [...seen].map(([ref, old]) => ({ ref, old, new: null }));
    await putSeen(replica, coordinator, id, changes);
  } finally {
    await coordinator.close();
  }
}
