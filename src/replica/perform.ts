import { refsLocked } from '../git/stale-ref-locks.ts';
import { type RefSwap, type SwapOptions, storedRefs, swapRefs, writeText } from '../git/swap-refs.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { Answer, Operation } from './request.ts';

/** What an operation did here. */
export interface Performed {
  answer: Answer;
  /** The refs that it moved. */
  moved: readonly RefUpdate[];
}

async function swap(swaps: readonly RefSwap[], options: SwapOptions, wake: () => void): Promise<Performed> {
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
 * Does each of several swaps; at once, if that goes, which takes one git.
 * @param each null for one that is not to be done
 * @returns which were
 */
async function swapEach(each: readonly (readonly RefSwap[] | null)[], run: SwapOptions): Promise<boolean[]> {
  const isDue = each.map((swaps) => swaps !== null);
  if (
    (await swapRefs(
      each.flatMap((swaps) => swaps ?? []),
      run,
    )) === null
  )
    return isDue;
  const done: boolean[] = [];
  for (const swaps of each) done.push(swaps !== null && (await swapRefs(swaps, run)) === null);
  return done;
}

/** Whoever performs something. */
export interface Performing {
  /** The id of this member. */
  self: string;
  run: SwapOptions;
  /** Has this member catch up with the group's state. */
  wake: () => void;
}

/** Does in this repository what a member asks. */
export async function perform(
  operation: Operation,
  { self, run: options, wake }: Performing,
): Promise<Performed> {
  switch (operation.kind) {
    case 'swap': {
      for (const text of operation.texts ?? []) await writeText(text, options);
      const performed = await swap(operation.swaps, options, wake);
      const { behind = [] } = operation;
      if (performed.answer.kind !== 'done' || behind.length === 0) return performed;
      const done = await swapEach(
        behind.map(({ at, swaps }) => (at === null || at === self ? swaps : null)),
        options,
      );
      const moved = [...performed.moved, ...behind.flatMap(({ swaps }, n) => (done[n] ? swaps : []))];
      return { answer: { kind: 'done', behind: done }, moved };
    }
    case 'list':
      return { answer: { kind: 'refs', refs: await storedRefs(operation.prefixes, options) }, moved: [] };
    case 'wake':
      wake();
      return { answer: { kind: 'done' }, moved: [] };
  }
}
