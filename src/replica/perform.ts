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

/** Whoever performs something. */
export interface Performing {
  /** The id of this member. */
  self: string;
  run: RunOptions;
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
      const moved = [...performed.moved];
      const isDone: boolean[] = [];
      for (const { at, swaps } of behind) {
        const words = at === null || at === self ? await swapRefs(swaps, options) : '';
        isDone.push(words === null);
        if (words === null) moved.push(...swaps);
      }
      return { answer: { kind: 'done', behind: isDone }, moved };
    }
    case 'list':
      return { answer: { kind: 'refs', refs: await storedRefs(operation.prefixes, options) }, moved: [] };
    case 'wake':
      wake();
      return { answer: { kind: 'done' }, moved: [] };
  }
}
