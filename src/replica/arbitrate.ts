import { type SwapOptions, storedRefs } from '../git/swap-refs.ts';
import type { Group, Member } from './group.ts';
import { isOfArbiter } from './group-refs.ts';
import { type Performed, perform } from './perform.ts';
import type { Answer, Operation } from './request.ts';
import { noteTerm, readTerm, TERM_REF, type Term, writeTerm } from './term.ts';
import { wakeHere } from './wake.ts';

/** A member, as far as it does what members ask. */
export interface Asked {
  gitDir: string;
  group: Group;
  self: Member;
  run: SwapOptions;
}

/** Locks and state are for the arbiter alone; whoever names the term along with them is at work on moving it. */
function isForArbiter(operation: Operation): boolean {
  if (operation.kind === 'wake') return false;
  const names = operation.kind === 'list' ? operation.prefixes : operation.swaps.map(({ ref }) => ref);
  return names.some(isOfArbiter) && !names.includes(TERM_REF);
}

function termHere({ gitDir, group }: Asked): Term {
  const url = group.members.find(({ id }) => id === group.arbiter)?.url ?? '-';
  return readTerm(gitDir) ?? { number: 0, arbiter: group.arbiter, url };
}

function elsewhere(asked: Asked, operation: Operation): Answer | null {
  if (!isForArbiter(operation)) return null;
  const term = termHere(asked);
  if (term.arbiter === asked.self.id) return null;
  // No such object need be here: the text is what counts.
  return { kind: 'stale', refs: new Map([[TERM_REF, { oid: '0'.repeat(40), text: writeTerm(term) }]]) };
}

/**
 * Does what a member asks of this one. What concerns locks and state is answered by the arbiter alone, and by all others with
 * the term that tells who that is. The term is looked at before anything is swapped; who moves the arbiter sweeps all locks behind
 * that, so that a request which came between changes nothing that counts (move-arbiter.ts).
 */
export async function performHere(asked: Asked, operation: Operation): Promise<Performed> {
  const { gitDir, run } = asked;
  const told = elsewhere(asked, operation);
  if (told !== null) return { answer: told, moved: [] };
  const performed = await perform(operation, { self: asked.self.id, run, wake: () => wakeHere(gitDir) });
  if (performed.moved.some(({ ref }) => ref === TERM_REF)) {
    // Of two that come at once, the one that writes last writes what the ref is then.
    const now = async () => (await storedRefs([TERM_REF], run)).get(TERM_REF)?.text;
    for (let text = await now(), noted = ''; text && text !== noted; text = await now()) {
      noteTerm(gitDir, text);
      noted = text;
    }
  }
  return performed;
}
