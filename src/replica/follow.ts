import { GamError } from '../errors.ts';
import { missingObjects, unreached } from '../git/reach.ts';
import type { RefSwap } from '../git/swap-refs.ts';
import { convergence, DIVERGED_REFS, type RefValues } from './converge.ts';
import { GROUP_REF, isPublished, type Member } from './group.ts';
import type { MemberLine } from './member-line.ts';
import type { Replica } from './replica.ts';

/** What sending came to. */
export interface Sent {
  moved: string[];
  /** Refs of the follower that somebody had written to; what stood there is kept at the follower under refs/gam/diverged/. */
  kept: string[];
}

async function swapAt(line: MemberLine, { id }: Member, swaps: readonly RefSwap[]): Promise<void> {
  const objects = swaps.flatMap(({ ref, new: to }) => (ref.startsWith(DIVERGED_REFS) ? [] : (to ?? [])));
  const answer = await line.ask({ kind: 'swap', swaps }, objects);
  if (answer.kind === 'done') return;
  const words = answer.kind === 'failed' ? `refused: ${answer.words}` : 'was written to meanwhile';
  throw new GamError('member-refused', `${id} ${words}`);
}

/**
 * Makes a follower's published refs what the group's state says: exactly these, deletions too.
 * @throws GamError `member-unreachable`, `member-refused`
 */
export async function sendTo(replica: Replica, member: Member, state: RefValues): Promise<Sent> {
  const { group, run } = replica;
  const line = replica.line(member);
  const told = await line.ask({ kind: 'list', prefixes: [...group.publish, GROUP_REF] });
  if (told.kind !== 'refs') throw new GamError('member-refused', `${member.id} does not tell its refs`);
  const there = new Map([...told.refs].map(([ref, { oid }]) => [ref, oid]));
  const all = [...state].filter(([ref]) => ref === GROUP_REF || isPublished(group, ref));
  const differ = all.filter(([ref, oid]) => there.get(ref) !== oid);
  // What this member lacks itself, it sends when it has caught up.
  const missing = new Set(
    await missingObjects(
      differ.map(([, oid]) => oid),
      run,
    ),
  );
  const wanted = new Map(all.map(([ref, oid]) => [ref, missing.has(oid) ? (there.get(ref) ?? '') : oid]));
  for (const [ref, oid] of wanted) if (oid === '') wanted.delete(ref);
  const old = [...there].filter(([ref, oid]) => ref !== GROUP_REF && wanted.get(ref) !== oid);
  const lost = await unreached(
    old.map(([, oid]) => oid),
    [...wanted.values()].filter((oid) => !missing.has(oid)),
    run,
  );
  const { swaps, kept } = convergence(there, wanted, (oid) => !lost.has(oid));
  // What is kept and what goes is first, and by itself: a branch may be named as a folder of those that were there.
  const isNew = (swap: RefSwap) => swap.new !== null && !swap.ref.startsWith(DIVERGED_REFS);
  for (const some of [swaps.filter((swap) => !isNew(swap)), swaps.filter(isNew)])
    if (some.length > 0) await swapAt(line, member, some);
  if (missing.size > 0)
    throw new GamError('replica-behind', `${missing.size} refs are sent to ${member.id} when they are here`);
  return { moved: swaps.map(({ ref }) => ref).filter((ref) => isPublished(group, ref)), kept };
}
