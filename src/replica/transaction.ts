import { randomBytes } from 'node:crypto';
import { GamError } from '../errors.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { RefReport } from '../protocol/proc-receive-report.ts';
import { begin } from './begun.ts';
import { arbiterAtOnce, commitAtOnce } from './commit-at-once.ts';
import { commitMost } from './commit-most.ts';
import type { Lease } from './coordinator.ts';
import { offer } from './offer.ts';
import type { Push, TransactionOptions } from './push.ts';
import { type Refusals, reasonOf } from './refusals.ts';
import type { Replica } from './replica.ts';
import { noteForOthers, spread, withdraw } from './spread.ts';
import { takeLocks } from './take-locks.ts';
import { wakeHere } from './wake.ts';

/**
 * Does a push on all primaries, or on none: the five steps of ARCHITECTURE.md, "One push".
 * @returns what became of each ref
 */
export async function replicate(
  replica: Replica,
  updates: readonly RefUpdate[],
  options: TransactionOptions,
): Promise<RefReport[]> {
  const transaction = `${replica.self.id}-${randomBytes(8).toString('hex')}`;
  const refusals: Refusals = new Map();
  const coordinator = await replica.openCoordinator();
  const refs = updates.map(({ ref }) => ref);
  const end = begin(replica.places.begun, transaction, refs);
  let lease: Lease | null = null;
  const arbiter = arbiterAtOnce(replica, coordinator);
  const sending = offer(replica, transaction, updates, arbiter);
  const push: Push = { replica, transaction, coordinator, options };
  try {
    let moved = arbiter === null ? null : await commitAtOnce(push, arbiter, updates);
    const isAtOnce = moved !== null;
    if (moved === null) {
      sending.toAll();
      lease = await takeLocks(push, refs);
      await sending.quorum();
      moved = await commitMost({ ...push, taken: sending.soFar(), lease, refusals }, updates);
    }
    const { done, at } = moved;
    const taken = [...(await sending.taken()), ...(isAtOnce && arbiter !== null ? [arbiter] : [])];
    if (done.length > 0) await spread(replica, { taken, at, transaction, done, lease, tell: options.tell });
    const left = updates.filter(({ ref }) => refusals.has(ref));
    if (left.length > 0) await withdraw(replica, taken, transaction, left);
  } catch (error) {
    const left = updates.filter(({ ref }) => !refusals.has(ref));
    for (const { ref } of left) refusals.set(ref, reasonOf(error));
    if (error instanceof GamError && error.code === 'outcome-unknown') {
      // All members look at it, and what it brought stays where it is until they have.
      noteForOthers(replica, transaction, left);
      wakeHere(replica.gitDir);
    } else await withdraw(replica, sending.soFar(), transaction, updates);
  } finally {
    await lease?.release();
    await coordinator.close();
    end();
  }
  return updates.map(({ ref }) => ({ ref, refused: refusals.get(ref) ?? null }));
}
