import { timeLimit } from '../git/time-limit.ts';
import type { HeldLock, Lease } from './coordinator.ts';
import type { Push } from './push.ts';

/** Tells of a lock that is waited for: at once, and when it is another's, or so many seconds later. */
const AGAIN_MS = 5000;

function teller(tell: (line: string) => void): (held: HeldLock) => void {
  let [last, at] = ['', -Infinity];
  const since = new Map<string, number>();
  return ({ ref, holder, transaction }) => {
    const now = performance.now();
    const key = `${ref} ${transaction}`;
    if (!since.has(key)) since.set(key, now);
    if (key === last && now - at < AGAIN_MS) return;
    [last, at] = [key, now];
    const seconds = Math.round((now - (since.get(key) ?? now)) / 1000);
    tell(`waiting for lock on ${ref}, held by ${holder} since ${seconds} s`);
  };
}

/**
 * Takes the locks of a push, and tells whoever pushes for whom it waits.
 * @throws GamError `lock-timeout`, `member-unreachable`
 */
export async function takeLocks(
  { replica, coordinator, transaction, options: { tell, signal } }: Push,
  refs: readonly string[],
): Promise<Lease> {
  const limit = timeLimit(replica.bounds.lockMs, signal);
  return coordinator.lock(refs, {
    holder: replica.self.id,
    transaction,
    signal: limit,
    waiting: teller(tell),
  });
}
