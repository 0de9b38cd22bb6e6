import type { Position } from './cut.ts';

/** Depths at which the end of a history is first looked for; one that is deeper is cut as if it ended at the last. */
const DEPTHS = [8, 64, 512, 4096, 32_768, 262_144];

/** How often the gap between two of them is halved. */
const HALVINGS = 3;

/** How many parts a history is cut into. */
const PARTS = 8;

/**
 * Depths that cut a history into parts of so many steps each, by asking where depths lie: for one that no dates cut, since
 * its commits are all of the same days, as where it was imported or generated.
 *
 * @param positionOf asks; at most 9 times, whatever it answers
 * @returns the depths, the oldest part first; some may lie just behind the history. None where it is of a few steps only,
 *   or depths cannot be asked for.
 */
export async function cutDepths(positionOf: (depth: number) => Promise<Position>): Promise<number[]> {
  let within = 0;
  let before = Number.POSITIVE_INFINITY;
  const ask = async (depth: number): Promise<boolean> => {
    const position = await positionOf(depth);
    if (position === 'before') before = depth;
    else if (position === 'within') within = depth;
    return position !== 'after';
  };
  for (const depth of DEPTHS) if (before > depth && !(await ask(depth))) return [];
  if (within === 0) return [];
  for (let i = 0; i < HALVINGS && before < Number.POSITIVE_INFINITY; i += 1)
    if (!(await ask(Math.round(Math.sqrt(within * before))))) return [];
  const end = Math.min(before, within * 2);
  const depths = Array.from({ length: PARTS - 1 }, (_, index) =>
    Math.round((end * (PARTS - 1 - index)) / PARTS),
  );
  return [...new Set(depths)].filter((depth) => depth > 0);
}
