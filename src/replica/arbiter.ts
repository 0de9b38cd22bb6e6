import { GamError } from '../errors.ts';
import { type Member, memberOf } from './group.ts';
import type { Replica } from './replica.ts';
import { parseTerm, TERM_REF, type Term } from './term.ts';

/** Who keeps locks and state, as it says itself. */
export interface ArbiterFound {
  member: Member;
  /** The term that it is in, or was, and the object that says so; null where it never moved. */
  term: Term;
  oid: string | null;
  /** Where it is moving to: it is closed, and that one is not open yet. */
  movingTo: string | null;
}

/** The term of a member. */
export async function termOf(
  replica: Replica,
  member: Member,
): Promise<{ term: Term | null; oid: string | null }> {
  const told = await replica.line(member).ask({ kind: 'list', prefixes: [TERM_REF] });
  if (told.kind !== 'refs') throw new GamError('member-refused', `${member.id} does not tell its term`);
  const stored = told.refs.get(TERM_REF);
  return { term: parseTerm(stored?.text ?? ''), oid: stored?.oid ?? null };
}

/**
 * Finds the arbiter, from the one that this member knows on.
 * @throws GamError `usage` where the coordinator is another kind, `member-unreachable`
 */
export async function findArbiter(replica: Replica): Promise<ArbiterFound> {
  const { group } = replica;
  if (group.coordinator !== 'git')
    throw new GamError('usage', `${group.name} has no arbiter: its coordinator is ${group.coordinator}`);
  let member = memberOf(group, group.arbiter);
  for (;;) {
    const here = await termOf(replica, member);
    const term = here.term ?? { number: 0, arbiter: member.id, url: member.url };
    if (term.arbiter === member.id) return { member, term, oid: here.oid, movingTo: null };
    const next: Member = { id: term.arbiter, url: term.url, role: 'primary' };
    const there = await termOf(replica, next);
    // It has begun to answer in this term, or is behind that already.
    if ((there.term?.number ?? 0) < term.number) return { member, term, oid: here.oid, movingTo: next.id };
    member = next;
  }
}
