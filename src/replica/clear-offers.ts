import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { storedRefs } from '../git/swap-refs.ts';
import type { Coordinator } from './coordinator.ts';
import { INCOMING_REFS, transactionOf } from './offer.ts';
import type { Replica } from './replica.ts';
import { swapMost } from './swap-most.ts';

/** Told in one line what is waited for; null where nobody waits. */
export type Waiting = ((line: string) => void) | null;

/** Offers that wait here (offer.ts), as they were found. */
export interface Offers {
  /** Object ids by ref. */
  refs: ReadonlyMap<string, string>;
  /** The transactions that hold locks. */
  open: ReadonlySet<string>;
}

async function openTransactions(coordinator: Coordinator): Promise<Set<string>> {
  return new Set((await coordinator.locks()).map(({ transaction }) => transaction));
}

/** To be called before the state is read: the ref that an offer is for moves only behind it. */
export async function findOffers({ run }: Replica, coordinator: Coordinator): Promise<Offers> {
  const refs = await storedRefs([INCOMING_REFS], run);
  const open = await openTransactions(coordinator);
  return { refs: new Map([...refs].map(([ref, { oid }]) => [ref, oid])), open };
}

// A push offers what it brings while it still waits for its locks, and nobody sees by these that it is under way. Where the ref is
// packed it has been there for long.
function ageOf(gitDir: string, ref: string): number {
  const file = statSync(join(gitDir, ref), { throwIfNoEntry: false });
  return file === undefined ? Infinity : Math.abs(Date.now() - file.mtimeMs);
}

/**
 * Takes away what waits here for pushes that are over.
 *
 * @param waiting told how long it waits until it is certain of each that it is over, or that it goes on; null not to wait
 */
export async function clearOffers(
  { gitDir, run, bounds }: Replica,
  coordinator: Coordinator,
  { refs, open }: Offers,
  waiting: Waiting,
): Promise<void> {
  const isYoung = (ref: string) => ageOf(gitDir, ref) <= bounds.lockMs;
  const leaseMs = open.size > 0 ? bounds.leaseMs : 0;
  const waitMs = Math.max(leaseMs, [...refs.keys()].some(isYoung) ? bounds.lockMs : 0);
  let now = open;
  if (waiting !== null && waitMs > 0) {
    waiting(`a push may be under way: waiting for ${waitMs / 1000 + 1} s whether it is over`);
    await pause(waitMs + 1000);
    now = await openTransactions(coordinator);
  }
  const over = [...refs].filter(([ref]) => !now.has(transactionOf(ref)) && !isYoung(ref));
  await swapMost(
    over.map(([ref, oid]) => ({ ref, old: oid, new: null })),
    run,
  );
}
