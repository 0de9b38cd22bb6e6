import type { Position } from './cut.ts';

const YEAR = 365 * 24 * 3600;

/** Ages at which a history is first looked for, in years; one that goes back further is not cut. */
const AGES = [1, 4, 16, 48];

/** How often the gap is halved, to find a history at all that ended long ago, and to find each of its ends. */
const HALVINGS = { anywhere: 3, end: 3 };

/** How many parts a history is cut into. */
const PARTS = 8;

/**
 * Dates that cut a history into parts of equal time, by asking where dates lie. Nothing else can be asked of a history that
 * is not here yet. Commits come in steadily enough: the largest part has 16 % of git's commits, 18 % of those of redis.
 *
 * @param now in seconds since the epoch, as all dates here
 * @param positionOf asks; at most 13 times, whatever it answers
 * @returns the dates, the oldest first; some may lie just outside of the history. None when it was not found, being short
 *   beside its age.
 */
export async function cutDates(
  now: number,
  positionOf: (date: number) => Promise<Position>,
): Promise<number[]> {
  // Dates that are known not to lie in the history, on both sides, and the outermost that do.
  let after = now;
  let before = Number.NaN;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const ask = async (date: number): Promise<void> => {
    const position = await positionOf(date);
    if (position === 'after') after = date;
    else if (position === 'before') before = date;
    else [first, last] = [Math.min(first, date), Math.max(last, date)];
  };
  const isFound = () => first <= last;
  const middle = (one: number, other: number) => Math.round((one + other) / 2);
  for (const age of AGES) if (Number.isNaN(before)) await ask(now - age * YEAR);
  if (Number.isNaN(before)) return [];
  for (let i = 0; i < HALVINGS.anywhere && !isFound(); i += 1) await ask(middle(before, after));
  if (!isFound()) return [];
  for (let i = 0; i < HALVINGS.end; i += 1) await ask(middle(before, first));
  // What is alive has commits up to now, or nearly so.
  const halvings = after < now ? HALVINGS.end : 0;
  for (let i = 0; i < halvings; i += 1) await ask(middle(last, after));
  const length = after - before;
  return Array.from({ length: PARTS - 1 }, (_, index) => Math.round(before + ((index + 1) * length) / PARTS));
}
