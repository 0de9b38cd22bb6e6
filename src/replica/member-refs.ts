import { missingObjects, unreached } from '../git/reach.ts';
import { gitOutput } from '../git/run.ts';
import { storedRefs } from '../git/swap-refs.ts';
import type { RefValues } from './converge.ts';
import { GROUP_REF, isPublished, type Member } from './group.ts';
import type { Replica } from './replica.ts';
import type { LaggingRef } from './standing.ts';

async function hostedRefs({ group, run }: Replica, { url }: Member): Promise<RefValues> {
  const listed = await gitOutput(['ls-remote', '--refs', '--', url], { ...run, talks: 'alone' });
  const lines = listed.split('\n').map((line) => line.split('\t'));
  return new Map(lines.flatMap(([oid = '', ref = '']) => (isPublished(group, ref) ? [[ref, oid]] : [])));
}

/**
 * What a member's refs are that the group keeps alike, the group's document among them but for a hosted member, which has none.
 * @throws GamError `member-unreachable`, `member-refused`, `git-failed`
 */
export async function memberRefs(replica: Replica, member: Member): Promise<RefValues> {
  if (member.role === 'hosted') return hostedRefs(replica, member);
  const prefixes = [...replica.group.publish, GROUP_REF];
  if (member.id === replica.self.id) {
    const refs = await storedRefs(prefixes, replica.run);
    return new Map([...refs].map(([ref, { oid }]) => [ref, oid]));
  }
  const told = await replica.line(member).ask({ kind: 'list', prefixes });
  return new Map(told.kind === 'refs' ? [...told.refs].map(([ref, { oid }]) => [ref, oid]) : []);
}

/** The part of the group's state that a member is to have. */
export function meantFor({ group }: Replica, { role }: Member, state: RefValues): RefValues {
  const isMeant = (ref: string) => isPublished(group, ref) || (ref === GROUP_REF && role !== 'hosted');
  return new Map([...state].filter(([ref]) => isMeant(ref)));
}

/**
 * At which of these refs a member has what the group never had, as far as can be told from here. What another one has is a stranger where
 * it is not here, though this member has what the group has at that ref; what the group replaced while this member was away, by
 * a forced push, looks the same. What stands here itself is one where no ref of the group leads to it.
 *
 * @param lagsHere the refs at which this member itself is behind: there it cannot judge others
 */
export async function strangersAmong(
  replica: Replica,
  member: Member,
  lags: readonly LaggingRef[],
  { lagsHere, state }: { lagsHere: ReadonlySet<string>; state: RefValues },
): Promise<Set<string>> {
  const isHere = member.id === replica.self.id;
  // The group's document is no history: nothing leads from one to the one before it.
  const judged = lags.filter(
    ({ ref, has }) => has !== null && ref !== GROUP_REF && (isHere || !lagsHere.has(ref)),
  );
  const oids = [...new Set(judged.flatMap(({ has }) => has ?? []))];
  const strange = isHere
    ? await unreached(oids, [...state.values()], replica.run)
    : new Set(await missingObjects(oids, replica.run));
  return new Set(judged.flatMap(({ ref, has }) => (strange.has(has ?? '') ? [ref] : [])));
}
