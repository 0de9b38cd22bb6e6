import { GamError } from '../errors.ts';
import type { RunOptions } from '../git/run.ts';
import { type RefSwap, type SwapOptions, storedRefs, swapRefs } from '../git/swap-refs.ts';
import { DIVERGED_REFS } from './converge.ts';

/**
 * Swaps all at once, or, where some cannot be swapped, those that can: halves are tried until the few are found.
 * @returns those that were
 */
export async function swapMost(swaps: readonly RefSwap[], run: SwapOptions): Promise<RefSwap[]> {
  if (swaps.length === 0) return [];
  if ((await swapRefs(swaps, run)) === null) return [...swaps];
  if (swaps.length === 1) return [];
  const half = Math.ceil(swaps.length / 2);
  return [...(await swapMost(swaps.slice(0, half), run)), ...(await swapMost(swaps.slice(half), run))];
}

// What stood at a ref before may have come back, and another that catches up at this moment keeps the same under the same name.
async function checkKept(aside: readonly RefSwap[], run: RunOptions): Promise<void> {
  const there = await storedRefs([DIVERGED_REFS], run);
  if (aside.every(({ ref, new: to }) => there.get(ref)?.oid === to)) return;
  throw new GamError('git-failed', 'what the group has not could not be kept aside: nothing was moved', {
    suggestion: 'see whether the disk is full, or who holds locks under refs/gam/diverged/',
  });
}

/**
 * Does what convergence() says: what is kept aside first, then deletions, since a branch may be named as a folder of those that were here.
 *
 * @returns those that were done
 * @throws GamError `git-failed` when something cannot be kept aside; nothing has changed then
 */
export async function swapToConverge(swaps: readonly RefSwap[], run: SwapOptions): Promise<RefSwap[]> {
  const isKept = ({ ref }: RefSwap) => ref.startsWith(DIVERGED_REFS);
  const isGone = (swap: RefSwap) => swap.new === null;
  const aside = swaps.filter(isKept);
  if ((await swapMost(aside, run)).length < aside.length) await checkKept(aside, run);
  const gone = await swapMost(swaps.filter(isGone), run);
  const moved = await swapMost(
    swaps.filter((swap) => !isKept(swap) && !isGone(swap)),
    run,
  );
  return [...gone, ...moved];
}
