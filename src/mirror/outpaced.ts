import { formatBytes } from './account.ts';
import { type Mirror, mirrorHost } from './mirror.ts';

/** Another mirror, and the bytes a second that it is known to send. */
export interface Rival {
  mirror: Mirror;
  rate: number;
}

/** Mirrors that were left in one run, each with the one that it was left for. */
export type Departures = ReadonlyMap<Mirror, Mirror>;

/**
 * Slower than this share of what another is known to send is far slower. Who leaves pays twice for what came in the
 * stretch `t` since the last checkpoint, and wins time on all that is still to come. At a quarter of the other's rate
 * the break pays as soon as what is missing would take a third of `t` where it comes from now; if nothing is missing
 * any more, it has cost a quarter of `t`. At half the rate, `t` itself would have to be ahead still, and half of it
 * be lost: too much for a record that is hours old, of a line that may be busier now.
 */
const FAR_SLOWER = 1 / 4;

/** Whether a mirror that sends so many bytes a second is better left for another. */
export function isFarSlower(rate: number, rival: Rival): boolean {
  return rate < FAR_SLOWER * rival.rate;
}

/** What the user is told of a mirror that was left: why, and both rates. */
export function outpacedReason(rate: number, { mirror, rate: known }: Rival): string {
  const rates = [rate, known].map((one) => `${formatBytes(Math.round(one))}/s`);
  return `far slower than ${mirrorHost(mirror.url)} is known to be (${rates.join(', ')})`;
}

/** Whether a mirror runs only when no other serves: it has failed lately, or was left in this run. */
export function isResting(mirror: Mirror, left: Departures): boolean {
  return mirror.resting === true || left.has(mirror);
}

/** Whether another mirror was left for this one, which then runs before all others, and alone at first. */
export function isSuccessor(mirror: Mirror, left: Departures): boolean {
  return !left.has(mirror) && [...left.values()].includes(mirror);
}

/** The fastest of those that may still be turned to, as far as their rates are known; null when none is. */
export function fastestRival(others: readonly Mirror[], left: Departures): Rival | null {
  let best: Rival | null = null;
  for (const mirror of others) {
    const { rate = null, refusal } = mirror;
    if (rate === null || refusal !== null || isResting(mirror, left)) continue;
    if (best === null || rate > best.rate) best = { mirror, rate };
  }
  return best;
}

/**
 * Mirrors in the order in which they are tried on: successors first, those that were left behind the others, but
 * before those that have failed lately: slow is better than dead.
 */
export function lineUp(mirrors: readonly Mirror[], left: Departures): Mirror[] {
  const place = (mirror: Mirror) => {
    if (isSuccessor(mirror, left)) return 0;
    if (left.has(mirror)) return 2;
    return mirror.resting === true ? 3 : 1;
  };
  return mirrors.toSorted((a, b) => place(a) - place(b));
}
