import type { Span } from './spans.ts';

/** A span that one connection is at work on. */
export interface Work {
  /** The next byte to come, and where it is to stop. */
  at: number;
  to: number;
  /** Bytes a second, as it has gone lately; null while that is unknown. */
  rate: number | null;
}

/** A new connection is not worth less than this: a request there and back costs as much. */
const LEAST = 1024 ** 2;

/** One that would take so many times as long as another, and this much longer at least, loses all that it has left. */
const SLOWER = { times: 4, seconds: 1 };

function secondsFor({ at, to, rate }: Work): number {
  return (to - at) / Math.max(1, rate ?? 1);
}

/**
 * Which part of others' work a connection that is free should take over, so that all end together: of the work that
 * would last longest, the end that is its share by what both are worth; or all of it, when it hardly goes on.
 *
 * @param busy the spans under way
 * @param rate what the free connection is worth; null when it has not shown it yet
 * @returns which work loses what; null when each is best left alone
 */
export function shareOf<W extends Work>(
  busy: readonly W[],
  rate: number | null,
): { of: W; take: Span } | null {
  const longest = [...busy].sort((a, b) =>
    a.rate === null || b.rate === null ? b.to - b.at - (a.to - a.at) : secondsFor(b) - secondsFor(a),
  )[0];
  if (longest === undefined) return null;
  const left = longest.to - longest.at;
  // Two that are both unknown, or one of them, are taken to be worth the same.
  const own = rate ?? longest.rate ?? 1;
  const theirs = longest.rate ?? own;
  const alone = left / Math.max(1, own);
  if (longest.rate !== null && rate !== null) {
    const hopeless = secondsFor(longest) > SLOWER.times * alone + SLOWER.seconds;
    if (hopeless && left > 0) return { of: longest, take: { from: longest.at, to: longest.to } };
  }
  const part = Math.floor((left * own) / Math.max(1, own + theirs));
  return part < LEAST ? null : { of: longest, take: { from: longest.to - part, to: longest.to } };
}
