import type { RefSwap } from '../git/swap-refs.ts';
import type { MemberLine } from './member-line.ts';

/** A ref that could not be moved, and git's words. */
export interface FailedSwap {
  ref: string;
  words: string;
}

async function swapBatch(line: MemberLine, swaps: readonly RefSwap[]): Promise<FailedSwap[] | 'stale'> {
  const answer = await line.ask(
    { kind: 'swap', swaps },
    swaps.flatMap(({ new: to }) => to ?? []),
  );
  if (answer.kind === 'stale') return 'stale';
  if (answer.kind !== 'failed') return [];
  const [first] = swaps;
  if (swaps.length === 1 && first !== undefined) return [{ ref: first.ref, words: answer.words }];
  const middle = Math.ceil(swaps.length / 2);
  const halves = [swaps.slice(0, middle), swaps.slice(middle)].map((half) => swapBatch(line, half));
  const failed = await Promise.all(halves);
  return failed.includes('stale') ? 'stale' : failed.flatMap((one) => (one === 'stale' ? [] : one));
}

/**
 * Swaps refs of a member, with what they lead to, one batch after the other: each at once, or, where one of its refs cannot be moved, such as `Main` beside `main`
 * on a disk that does not tell them apart, all but that one. What is asked at the same moment goes in one push (member-line.ts), so that
 * one ref among ten thousand costs some dozen pushes.
 *
 * @returns what could not be moved; or that some are not what they must be
 * @throws GamError `member-unreachable`, `member-refused`
 */
export async function swapThere(
  line: MemberLine,
  batches: readonly (readonly RefSwap[])[],
): Promise<FailedSwap[] | 'stale'> {
  const all: FailedSwap[] = [];
  for (const batch of batches) {
    const failed = batch.length === 0 ? [] : await swapBatch(line, batch);
    if (failed === 'stale') return 'stale';
    all.push(...failed);
  }
  return all;
}
