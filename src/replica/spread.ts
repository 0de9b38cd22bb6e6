import type { RefUpdate } from '../protocol/proc-receive.ts';
import { adoptGroup } from './adopt-group.ts';
import type { Lease } from './coordinator.ts';
import { isPrimary, isTold, type Member } from './group.ts';
import { withdrawal } from './offer.ts';
import { enqueue } from './queue.ts';
import type { Replica } from './replica.ts';
import { wakeHere } from './wake.ts';

/** What the group has agreed on, and its members are to have. */
export interface Spreading {
  transaction: string;
  done: readonly RefUpdate[];
  /** The primaries that have the objects already. */
  taken: readonly Member[];
  /** Those of them that have moved already. */
  at: readonly Member[];
  /** What is still held. */
  lease: Lease | null;
  /** Told of it in one line. */
  tell: (line: string) => void;
}

async function moveOne(replica: Replica, member: Member, { transaction, done }: Spreading): Promise<boolean> {
  const line = replica.line(member);
  const waiting = withdrawal(transaction, done);
  const answer = await line.ask({ kind: 'swap', swaps: [...done, ...waiting] });
  if (answer.kind !== 'stale') return answer.kind === 'done';
  // It may have everything but the offer, which somebody has cleared away.
  const valueOf = (ref: string) => answer.refs.get(ref)?.oid ?? null;
  if (done.every(({ ref, new: to }) => valueOf(ref) === to)) return true;
  const isReady = done.every(({ ref, old }) => valueOf(ref) === old);
  if (isReady) return (await line.ask({ kind: 'swap', swaps: done })).kind === 'done';
  await line.ask({ kind: 'wake' });
  return false;
}

/**
 * Notes for the other members that refs have moved: what is not sent to them now is left to the queue.
 * @param moving members that have it, or are just being moved to it
 */
export function noteForOthers(
  { group, self, places }: Replica,
  transaction: string,
  updates: readonly RefUpdate[],
  moving: readonly Member[] = [],
): void {
  for (const member of group.members)
    if (member.id !== self.id && isTold(member) && !moving.includes(member))
      enqueue(places.queue, member.id, updates, transaction);
}

async function moveOthers(replica: Replica, spreading: Spreading): Promise<number> {
  const { taken, at, transaction, done } = spreading;
  const left = taken.filter((member) => !at.includes(member));
  const moved = await Promise.all(
    left.map(async (member) => {
      const isMoved = await moveOne(replica, member, spreading).catch(() => false);
      if (!isMoved) enqueue(replica.places.queue, member.id, done, transaction);
      return isMoved;
    }),
  );
  return at.length + moved.filter(Boolean).length;
}

/**
 * Brings what is committed to the others: to primaries that have the objects at once, to the rest by the queue. It does not
 * fail: what the group has is acknowledged, whatever becomes of the rest.
 */
export async function spread(replica: Replica, spreading: Spreading): Promise<void> {
  const { group, self, gitDir } = replica;
  const { transaction, done, taken, lease, tell } = spreading;
  const others = group.members.filter((one) => isPrimary(one) && one.id !== self.id).length;
  try {
    // Those that are moved now need no note: another push that ends here meanwhile would start a worker for it, which has them look at all
    // that they have. Where this process is killed, what it noted at its beginning (begun.ts) has all of them look.
    noteForOthers(replica, transaction, done, taken);
    const [moved] = await Promise.all([moveOthers(replica, spreading), lease?.release()]);
    await adoptGroup(replica, done);
    const rest = moved < others ? ', the others follow' : '';
    if (others > 0) tell(`replicated to ${moved} of ${others}${rest}`);
  } catch (error) {
    wakeHere(gitDir);
    tell(`the other members follow later: ${(error as Error).message}`);
  }
}

/** Takes back what others keep of a push that came to nothing. What cannot be taken back now, they take away when they catch up. */
export async function withdraw(
  replica: Replica,
  members: readonly Member[],
  transaction: string,
  updates: readonly RefUpdate[],
): Promise<void> {
  const swaps = withdrawal(transaction, updates);
  if (swaps.length === 0) return;
  const asked = members.map((member) => replica.line(member).ask({ kind: 'swap', swaps }));
  await Promise.allSettled(asked);
}
