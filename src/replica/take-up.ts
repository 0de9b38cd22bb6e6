import { cutOff, forget } from './begun.ts';
import { isTold } from './group.ts';
import { enqueue } from './queue.ts';
import type { Replica } from './replica.ts';
import { wakeHere } from './wake.ts';

/**
 * Takes up pushes whose processes were killed here: their locks are given back, and all members look at what became of
 * them. A push may have been killed right behind its commit point, when nobody but the coordinator knew of it.
 *
 * @throws GamError `member-unreachable` when the coordinator cannot be reached
 */
export async function takeUp(replica: Replica): Promise<void> {
  const { places, group, self, gitDir } = replica;
  const left = cutOff(places.begun);
  if (left.length === 0) return;
  const coordinator = await replica.openCoordinator();
  try {
    for (const push of left) {
      await coordinator.abandon?.(push.transaction);
      // What they were before, the push has taken with it.
      const moved = push.refs.map((ref) => ({ ref, old: null }));
      for (const member of group.members)
        if (member.id !== self.id && isTold(member))
          enqueue(places.queue, member.id, moved, push.transaction);
      wakeHere(gitDir);
      forget(places.begun, push);
    }
  } finally {
    await coordinator.close();
  }
}
