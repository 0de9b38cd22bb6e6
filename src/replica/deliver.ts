import { GamError } from '../errors.ts';
import { catchUp } from './catch-up.ts';
import type { RefValues } from './converge.ts';
import { sendTo } from './follow.ts';
import { follows, isPrimary } from './group.ts';
import { syncHosted } from './hosted.ts';
import { dequeue, type Queued, queuedFor } from './queue.ts';
import type { Replica } from './replica.ts';
import { takeUp } from './take-up.ts';
import { wakeHere } from './wake.ts';

/** What the group's state is; whoever waits for it learns that it is the coordinator that does not answer, and not the member. */
async function stateOf(replica: Replica): Promise<RefValues> {
  try {
    const coordinator = await replica.openCoordinator();
    return await coordinator.state().finally(() => coordinator.close());
  } catch (cause) {
    const code = cause instanceof GamError ? cause.code : 'member-unreachable';
    const message = `the coordinator cannot be asked, and nothing is sent before it can: ${(cause as Error).message}`;
    throw new GamError(code, message, { cause });
  }
}

/** Brings one member up to date, or has it do so itself; what was noted for it is then gone. */
export async function deliver(replica: Replica, entry: Queued, tell: (line: string) => void): Promise<void> {
  try {
    await send(replica, entry, tell);
  } catch (error) {
    // What is not here yet cannot be sent.
    if (error instanceof GamError && error.code === 'replica-behind') wakeHere(replica.gitDir);
    throw error;
  }
  dequeue(replica.places.queue, entry);
}

async function send(replica: Replica, entry: Queued, tell: (line: string) => void): Promise<void> {
  const { group, places, self } = replica;
  const member = group.members.find(({ id }) => id === entry.member);
  // Who has left the group is sent nothing.
  if (member === undefined || member.id === self.id) return;
  if (isPrimary(member)) await replica.line(member).ask({ kind: 'wake' });
  else if (member.role === 'hosted' && isPrimary(self)) await syncHosted(replica, member, tell);
  else if (follows(member)) {
    // A push may be noted only now that moved refs which are sent along already.
    const replaced = () =>
      new Set([...entry.replaced, ...(queuedFor(places.queue, member.id)?.replaced ?? [])]);
    const { moved, kept } = await sendTo(replica, member, { state: () => stateOf(replica), replaced });
    if (moved.length > 0) tell(`${member.id} follows: ${moved.length} refs`);
    for (const ref of kept)
      tell(`${member.id} was written to at ${ref}: what stood there is kept there under refs/gam/diverged/`);
  }
}

/**
 * Takes up what was cut off here, and catches up with the group.
 * @param done says that this was done; null where only what was cut off is to be taken up
 */
export async function catchUpHere(
  replica: Replica,
  done: (() => void) | null,
  tell: (line: string) => void,
): Promise<void> {
  await takeUp(replica);
  if (done === null) return;
  const { moved, kept } = await catchUp(replica);
  done();
  if (moved.length > 0) tell(`caught up: ${moved.length} refs`);
  for (const ref of kept) tell(`${ref} was not what the group has: kept under refs/gam/diverged/`);
}
