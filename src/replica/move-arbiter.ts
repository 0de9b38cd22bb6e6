import { GamError } from '../errors.ts';
import type { RunOptions } from '../git/run.ts';
import type { RefSwap, StoredRef } from '../git/swap-refs.ts';
import { writeText } from '../git/swap-refs.ts';
import { type ArbiterFound, findArbiter } from './arbiter.ts';
import { bring, catchUp } from './catch-up.ts';
import { closeArbiter, held, listAnyway, swapAnyway } from './close-arbiter.ts';
import { parseDocument } from './document.ts';
import { GROUP_REF, type Group, type Member, memberOf, writeGroup } from './group.ts';
import { DONE_REFS, LOCK_REFS, STATE_REFS, stateRef } from './group-refs.ts';
import type { MemberLine } from './member-line.ts';
import { enqueue } from './queue.ts';
import { makeReplica, type Replica } from './replica.ts';
import { parseTerm, TERM_REF, type Term, writeTerm } from './term.ts';
import { wakeHere } from './wake.ts';

/** The state of a closed arbiter. */
type State = ReadonlyMap<string, StoredRef>;

async function documentOf(state: State, replica: Replica): Promise<Group> {
  const text = state.get(stateRef(GROUP_REF))?.text ?? '';
  const group = await parseDocument(text, replica.run);
  if (group !== null) return group;
  throw new GamError('bad-config', "the arbiter has no document of the group's");
}

function meanwhile(id: string): GamError {
  return new GamError('arbiter-moved', `${id} changes meanwhile`, { suggestion: 'run it again' });
}

/** What the next arbiter has before its term, and the object of the term that it is in; null where it is in this one, or behind it. */
async function beforehand(
  line: MemberLine,
  from: Member,
  { number, arbiter }: Term,
  run: RunOptions,
): Promise<{ stored: State; oid: string } | null> {
  const stored = await listAnyway(line, [STATE_REFS, LOCK_REFS]);
  const now = stored.get(TERM_REF);
  if (now === undefined) {
    // It gets one that changes nothing, for all that follows to depend on.
    const text = writeTerm({ number: 0, arbiter: from.id, url: from.url });
    const first = { ref: TERM_REF, old: null, new: await writeText(text, run) };
    if ((await swapAnyway(line, [first], { texts: [text] })) !== null) throw meanwhile(arbiter);
    return { stored, oid: first.new };
  }
  if ((parseTerm(now.text ?? '')?.number ?? 0) < number) return { stored, oid: now.oid };
  // Whoever did it may have been killed before it was noted.
  await swapAnyway(line, [held(now.oid)]);
  return null;
}

// What it keeps from an earlier term of its own would stand in the way of refs that are named otherwise now: `a` before `a/b`.
async function clearOld(line: MemberLine, to: Member, oid: string, old: State): Promise<void> {
  if (old.size === 0) return;
  const gone = [...old].map(([ref, stored]) => ({ ref, old: stored.oid, new: null }));
  if ((await swapAnyway(line, [held(oid), ...gone])) !== null) throw meanwhile(to.id);
}

/** Has the next arbiter begin its term with the state of the last one; where it has begun already, nothing is done. */
async function openArbiter(
  replica: Replica,
  from: Member,
  to: Member,
  state: State,
  term: Term,
): Promise<void> {
  const { run } = replica;
  const line = replica.line(to);
  const before = await beforehand(line, from, term, run);
  if (before === null) return;
  await clearOld(
    line,
    to,
    before.oid,
    new Map([...before.stored].filter(([ref]) => ref !== TERM_REF && !state.has(ref))),
  );
  const wanted = new Map([...state].map(([ref, { oid }]) => [ref, oid]));
  await bring(replica, [...wanted.values()]);
  const text = writeGroup({ ...(await documentOf(state, replica)), arbiter: to.id });
  wanted.set(stateRef(GROUP_REF), await writeText(text, run));
  const swaps: RefSwap[] = [...wanted].flatMap(([ref, oid]) => {
    const old = before.stored.get(ref)?.oid ?? null;
    return old === oid ? [] : { ref, old, new: oid };
  });
  const began = writeTerm(term);
  // Last: where git is killed among these, it has not begun, and all of it is done again.
  swaps.push({ ref: TERM_REF, old: before.oid, new: await writeText(began, run) });
  const objects = [...new Set(wanted.values())];
  if ((await swapAnyway(line, swaps, { texts: [text, began], objects })) !== null) throw meanwhile(to.id);
}

// A ref that somebody who pushes meanwhile has locked is moved by him; for the others there is the worker.
async function catchUpSoFar(replica: Replica): Promise<void> {
  await catchUp(replica).catch((error: unknown) => {
    if (!(error instanceof GamError) || error.code !== 'replica-behind') throw error;
    wakeHere(replica.gitDir);
  });
}

/** Has all members learn of it: this one now, the others as of a push. */
async function tellMembers(replica: Replica, to: Member): Promise<Group> {
  const moved = { ...replica.group, arbiter: to.id };
  const { gitDir, self, places } = replica;
  const after = makeReplica(gitDir, { ...replica, group: moved, id: self.id, warn: () => undefined });
  await catchUpSoFar(after);
  const others = moved.members.filter(({ id }) => id !== self.id);
  for (const { id } of others) enqueue(places.queue, id, [{ ref: GROUP_REF, old: null }], `arbiter-${to.id}`);
  return moved;
}

async function finish(replica: Replica, from: Member, term: Term): Promise<void> {
  const line = replica.line(from);
  const left = await listAnyway(line, [STATE_REFS, DONE_REFS]);
  const oid = left.get(TERM_REF)?.oid;
  // It may be the arbiter again by now.
  if (oid === undefined || parseTerm(left.get(TERM_REF)?.text ?? '')?.number !== term.number) return;
  const gone = [...left].filter(([ref]) => ref !== TERM_REF);
  await swapAnyway(line, [held(oid), ...gone.map(([ref, stored]) => ({ ref, old: stored.oid, new: null }))]);
}

async function move(replica: Replica, from: ArbiterFound, to: Member): Promise<void> {
  const isBegun = from.movingTo !== null;
  const number = isBegun ? from.term.number : from.term.number + 1;
  const term: Term = { number, arbiter: to.id, url: to.url };
  const oid = await writeText(writeTerm(term), replica.run);
  const line = replica.line(from.member);
  const state = await closeArbiter(line, from.oid, { ...term, oid });
  await openArbiter(replica, from.member, to, state, term);
  await finish(replica, from.member, term).catch(() => undefined);
}

/**
 * Makes another primary the arbiter. The one that is it closes: it refuses all that concerns locks and state from then on, and says who
 * is next; its locks are taken away, so that no commit that was on its way succeeds. What it has then is final, and is what the next
 * one begins with. Whoever dies between leaves an arbiter that is closed, and pushes wait: to do it again finishes it. No two are ever open,
 * since the next one opens only from what the last one had when it was closed, and only once in a term.
 *
 * @returns the group as it is then
 * @throws GamError `usage`, `member-unreachable`, `arbiter-moved`
 */
export async function moveArbiter(replica: Replica, id: string): Promise<Group> {
  const to = memberOf(replica.group, id);
  if (to.role !== 'primary')
    throw new GamError('usage', `${id} is ${to.role}, and the arbiter is a primary`, {
      suggestion: `make it one first: gam replica role ${id} primary`,
    });
  const from = await findArbiter(replica);
  if (from.movingTo !== null && from.movingTo !== id)
    throw new GamError('usage', `the arbiter is on its way to ${from.movingTo}`, {
      suggestion: `finish that first: gam replica arbiter ${from.movingTo}`,
    });
  if (from.movingTo === null && from.member.id !== id) {
    // What it lacks it fetches while pushes still go on; and whoever does not answer is no arbiter to be.
    await replica.line(to).ask({ kind: 'wake' });
    await catchUpSoFar(replica);
    const coordinator = await replica.openCoordinator();
    try {
      // Nobody changes the group meanwhile.
      const lease = await coordinator.lock([GROUP_REF], {
        holder: replica.self.id,
        transaction: `arbiter-${id}`,
        signal: AbortSignal.timeout(replica.bounds.lockMs),
      });
      try {
        await move(replica, from, to);
      } finally {
        await lease.release();
      }
    } finally {
      await coordinator.close();
    }
  } else if (from.movingTo !== null) await move(replica, from, to);
  // Whoever moved it may have been killed before that was noted.
  else if (from.oid !== null) await swapAnyway(replica.line(to), [held(from.oid)]);
  return tellMembers(replica, to);
}
