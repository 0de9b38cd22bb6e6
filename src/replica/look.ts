import { follows, isPrimary } from './group.ts';
import { enqueueLook } from './queue.ts';
import type { Replica } from './replica.ts';
import { wakeHere } from './wake.ts';

/**
 * Notes that everything is to be looked at, whatever was noted before: this member itself, and, from a primary, who is sent what the
 * primaries have. So what was cut off between a push and its notes is made up for.
 */
export function noteLook({ gitDir, group, places, self }: Replica): void {
  wakeHere(gitDir);
  if (!isPrimary(self)) return;
  for (const member of group.members)
    if (follows(member) || member.role === 'hosted') enqueueLook(places.queue, member.id);
}
