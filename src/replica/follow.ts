import { GamError } from '../errors.ts';
import { missingObjects, unreached } from '../git/reach.ts';
import { convergence, DIVERGED_REFS, inOrder, type RefValues } from './converge.ts';
import { GROUP_REF, isPublished, type Member } from './group.ts';
import { replacedKey } from './queue.ts';
import type { Replica } from './replica.ts';
import { swapMost } from './swap-most.ts';

/** What sending came to. */
export interface Sent {
  moved: string[];
  /** Refs of the follower that somebody had written to; what stood there is kept at the follower under refs/gam/diverged/. */
  kept: string[];
}

/** What is sent. */
export interface Sending {
  /** Asks for the group's state. */
  state: () => Promise<RefValues>;
  /** What pushes have replaced, as replacedKey() writes it: a follower that still has it was not written to. */
  replaced: ReadonlySet<string>;
}

/** Another primary may move the same follower at the same time: so often it is looked at again. */
const LOOKS = 5;

/**
 * Makes a follower's published refs what the group's state says: exactly these, deletions too.
 * @throws GamError `member-unreachable`, `member-refused`; `replica-behind` where this member has not all of it yet
 */
export async function sendTo(replica: Replica, member: Member, sending: Sending): Promise<Sent> {
  const kept = new Set<string>();
  for (let look = 1; look <= LOOKS; look += 1) {
    const moved = await sendOnce(replica, member, sending, kept);
    if (moved !== null) return { moved, kept: [...kept] };
  }
  throw new GamError('member-refused', `${member.id} was written to by others again and again`);
}

/**
 * @param aside gets the refs whose tips are kept aside
 * @returns the refs that were moved; null where another one has moved the follower meanwhile
 */
async function sendOnce(
  replica: Replica,
  member: Member,
  sending: Sending,
  aside: Set<string>,
): Promise<string[] | null> {
  const { group, run } = replica;
  const line = replica.line(member);
  const told = await line.ask({ kind: 'list', prefixes: [...group.publish, GROUP_REF, DIVERGED_REFS] });
  if (told.kind !== 'refs') throw new GamError('member-refused', `${member.id} does not tell its refs`);
  const all = [...told.refs].map(([ref, { oid }]) => [ref, oid] as const);
  const there = new Map(all.filter(([ref]) => !ref.startsWith(DIVERGED_REFS)));
  // In this order: whatever the group gave the follower before it was asked, the state has, or something newer.
  const state = await sending.state();
  const meant = [...state].filter(([ref]) => ref === GROUP_REF || isPublished(group, ref));
  const differ = meant.filter(([ref, oid]) => there.get(ref) !== oid).map(([, oid]) => oid);
  const missing = new Set(await missingObjects(differ, run));
  // What this member lacks itself stays at the follower as it is, until this one has caught up.
  const wanted = new Map(
    meant.flatMap(([ref, oid]) => {
      const to = missing.has(oid) ? there.get(ref) : oid;
      return to === undefined ? [] : [[ref, to] as const];
    }),
  );
  const isReplaced = (oid: string, ref: string) => sending.replaced.has(replacedKey(oid, ref));
  const old = [...there].filter(
    ([ref, oid]) => ref !== GROUP_REF && wanted.get(ref) !== oid && !isReplaced(oid, ref),
  );
  const lost = await unreached(
    old.map(([, oid]) => oid),
    [...wanted.values()].filter((oid) => !missing.has(oid)),
    run,
  );
  const { swaps, kept } = convergence(there, wanted, (oid, ref) => !lost.has(oid) || isReplaced(oid, ref));
  const keeping = swaps.filter(({ ref }) => ref.startsWith(DIVERGED_REFS) && !told.refs.has(ref));
  const moves = swaps.filter(({ ref }) => !ref.startsWith(DIVERGED_REFS));
  // First, and by itself: nothing is overwritten that is not kept.
  if (keeping.length > 0 && (await line.ask({ kind: 'swap', swaps: keeping })).kind !== 'done') return null;
  for (const ref of kept) aside.add(ref);
  const failed = await swapMost(line, inOrder(moves));
  if (failed === 'stale') return null;
  const [first] = failed;
  if (first !== undefined)
    throw new GamError(
      'member-refused',
      `${member.id} could not move ${failed.length} of ${moves.length} refs, such as ${first.ref}: ${first.words}`,
    );
  if (missing.size > 0)
    throw new GamError(
      'replica-behind',
      `${missing.size} objects are sent to ${member.id} when they are here`,
    );
  return moves.map(({ ref }) => ref).filter((ref) => isPublished(group, ref));
}
