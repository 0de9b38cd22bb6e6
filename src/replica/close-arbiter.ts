import { GamError } from '../errors.ts';
import type { RefSwap, StoredRef } from '../git/swap-refs.ts';
import { GATE_REFS, LOCK_REFS, STATE_REFS } from './group-refs.ts';
import type { MemberLine } from './member-line.ts';
import { TERM_REF, type Term, writeTerm } from './term.ts';
import { unfinished } from './unfinished-commits.ts';

/** What is asked of one that is closed, or not open yet, names its term. */
export const held = (oid: string): RefSwap => ({ ref: TERM_REF, old: oid, new: oid });

/** Refs of a member, whichever term it is in. */
export async function listAnyway(
  line: MemberLine,
  prefixes: readonly string[],
): Promise<ReadonlyMap<string, StoredRef>> {
  const told = await line.ask({ kind: 'list', prefixes: [...prefixes, TERM_REF] });
  if (told.kind === 'refs') return told.refs;
  throw new GamError('member-refused', 'a member does not tell its refs');
}

/** Swaps; what refs are when one of them is not what it must be. */
export async function swapAnyway(
  line: MemberLine,
  swaps: readonly RefSwap[],
  { texts = [], objects = [] }: { texts?: readonly string[]; objects?: readonly string[] } = {},
): Promise<ReadonlyMap<string, StoredRef> | null> {
  const answer = await line.ask({ kind: 'swap', swaps, texts }, objects);
  if (answer.kind === 'done') return null;
  if (answer.kind === 'stale') return answer.refs;
  throw new GamError(
    'git-failed',
    answer.kind === 'failed' ? answer.words : 'a member does not swap its refs',
  );
}

/** More pushes than that do not come between: whoever asks for a lock from now on gets none. */
const MOST_SWEEPS = 100;

// A commit at once takes no lock that is there before: it needs its member's gate (refs-gate.ts), and makes none.
async function shutGates(line: MemberLine, closed: string): Promise<void> {
  for (let count = 0; count < MOST_SWEEPS; count += 1) {
    const gates = [...(await listAnyway(line, [GATE_REFS]))].filter(([ref]) => ref !== TERM_REF);
    if (gates.length === 0) return;
    await swapAnyway(line, [held(closed), ...gates.map(([ref, { oid }]) => ({ ref, old: oid, new: null }))]);
  }
  throw unswept('gates');
}

function unswept(what: string): GamError {
  return new GamError('arbiter-moved', `the ${what} of the arbiter cannot be taken away`, {
    suggestion: 'run it again',
  });
}

/** Does what is left of commits that are decided; whether nothing was in the way. */
async function finishCommits(
  line: MemberLine,
  closed: string,
  stored: ReadonlyMap<string, StoredRef>,
): Promise<boolean> {
  for (const { locks, state } of unfinished(stored))
    if ((await swapAnyway(line, [held(closed), ...locks, ...state])) !== null) return false;
  return true;
}

// A lock that is there when the arbiter closes may be of a push whose commit is on its way, and fails without it.
async function sweep(line: MemberLine, closed: string): Promise<void> {
  for (let count = 0; count < MOST_SWEEPS; count += 1) {
    const stored = await listAnyway(line, [LOCK_REFS, STATE_REFS]);
    const locks = [...stored].filter(([ref]) => ref.startsWith(LOCK_REFS));
    if (locks.length === 0) return;
    if (!(await finishCommits(line, closed, stored))) continue;
    await swapAnyway(line, [held(closed), ...locks.map(([ref, { oid }]) => ({ ref, old: oid, new: null }))]);
  }
  throw unswept('locks');
}

/**
 * Closes an arbiter for good: when this is done, nothing is committed there any more, and its state is final.
 *
 * @param from its term until now
 * @param next the term that comes, and the id of the object that says so
 * @returns its state, by the refs that keep it
 * @throws GamError `arbiter-moved` where another move came first, `member-unreachable`: to be done again
 */
export async function closeArbiter(
  line: MemberLine,
  from: string | null,
  next: Term & { oid: string },
): Promise<ReadonlyMap<string, StoredRef>> {
  const texts = [writeTerm(next)];
  const now = await swapAnyway(line, [{ ref: TERM_REF, old: from, new: next.oid }], { texts });
  if (now !== null)
    throw new GamError('arbiter-moved', 'somebody else moves the arbiter now', {
      suggestion: 'run it again',
    });
  await shutGates(line, next.oid);
  await sweep(line, next.oid);
  const state = await listAnyway(line, [STATE_REFS]);
  return new Map([...state].filter(([ref]) => ref.startsWith(STATE_REFS)));
}
