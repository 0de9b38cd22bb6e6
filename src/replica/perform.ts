import type { RunOptions } from '../git/run.ts';
import { refsLocked } from '../git/stale-ref-locks.ts';
import { type RefSwap, storedRefs, swapRefs, writeText } from '../git/swap-refs.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { Answer, Operation } from './request.ts';

/** What an operation did here. */
export interface Performed {
  answer: Answer;
  /** The refs that it moved. */
  moved: readonly RefUpdate[];
}

async function swap(swaps: readonly RefSwap[], options: RunOptions, wake: () => void): Promise<Performed> {
  const words = await swapRefs(swaps, options);
  if (words === null) return { answer: { kind: 'done' }, moved: swaps };
  const refs = await storedRefs(
    swaps.map(({ ref }) => ref),
    options,
  );
  const isStale = swaps.some(({ ref, old }) => (refs.get(ref)?.oid ?? null) !== old);
  // What a killed git has left there would refuse this for ever.
  if (!isStale && refsLocked(options.cwd ?? '.', swaps)) wake();
  return { answer: isStale ? { kind: 'stale', refs } : { kind: 'failed', words }, moved: [] };
}

/**
 * Does in this repository what a member asks.
 * @param wake has this member catch up with the group's state
 */
export async function perform(
  operation: Operation,
  options: RunOptions,
  wake: () => void,
): Promise<Performed> {
  switch (operation.kind) {
    case 'swap':
      for (const text of operation.texts ?? []) await writeText(text, options);
      return swap(operation.swaps, options, wake);
    case 'list':
      return { answer: { kind: 'refs', refs: await storedRefs(operation.prefixes, options) }, moved: [] };
    case 'wake':
      wake();
      return { answer: { kind: 'done' }, moved: [] };
  }
}
