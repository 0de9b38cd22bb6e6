import { parseDocument } from './document.ts';
import { GROUP_REF, isPrimary, memberOf } from './group.ts';
import type { MemberLine } from './member-line.ts';
import type { Replica } from './replica.ts';
import { parseTerm, TERM_REF } from './term.ts';

/**
 * Asks the other members who the arbiter is, where the one that is known cannot be reached: it may have gone while this member was away.
 * Whoever is named says itself whether it is.
 * @returns a line to another one than that which is known
 */
export async function searchArbiter({
  group,
  self,
  line,
  run,
}: Pick<Replica, 'group' | 'self' | 'line' | 'run'>): Promise<MemberLine | null> {
  const others = group.members.filter(({ id }) => id !== self.id && id !== group.arbiter);
  for (const member of others.sort((a, b) => Number(isPrimary(b)) - Number(isPrimary(a)))) {
    const told = await line(member)
      .ask({ kind: 'list', prefixes: [GROUP_REF, TERM_REF] })
      .catch(() => null);
    if (told?.kind !== 'refs') continue;
    // The document follows the term, and whoever was to send it may be gone.
    const term = parseTerm(told.refs.get(TERM_REF)?.text ?? '');
    if (term !== null && term.arbiter !== group.arbiter)
      return line({ id: term.arbiter, url: term.url, role: 'primary' });
    const text = told.refs.get(GROUP_REF)?.text;
    const document = text ? await parseDocument(text, run) : null;
    if (document !== null && document.uid === group.uid && document.arbiter !== group.arbiter)
      return line(memberOf(document, document.arbiter));
  }
  return null;
}
