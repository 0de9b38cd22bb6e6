import { GamError } from '../errors.ts';
import { missingObjects, unreached } from '../git/reach.ts';
import { convergence, type RefValues } from './converge.ts';
import { GROUP_REF, isPublished, type Member } from './group.ts';
import type { Replica } from './replica.ts';

/** What sending came to. */
export interface Sent {
  moved: string[];
  /** Refs of the follower that somebody had written to; what stood there is kept at the follower under refs/gam/diverged/. */
  kept: string[];
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
  if (swaps.length > 0) {
    const objects = swaps.flatMap(({ ref, new: to }) =>
      to === null || ref.startsWith('refs/gam/diverged/') ? [] : to,
    );
    const answer = await line.ask({ kind: 'swap', swaps }, objects);
    if (answer.kind !== 'done')
      throw new GamError(
        'member-refused',
        answer.kind === 'failed'
          ? `${member.id} refused: ${answer.words}`
          : `${member.id} was written to meanwhile`,
      );
  }
  if (missing.size > 0)
    throw new GamError('replica-behind', `${missing.size} refs are sent to ${member.id} when they are here`);
  return { moved: swaps.map(({ ref }) => ref).filter((ref) => isPublished(group, ref)), kept };
}
