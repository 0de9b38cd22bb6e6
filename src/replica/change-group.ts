import { GamError } from '../errors.ts';
import { fetchObjects } from '../git/reach.ts';
import { gitOutput } from '../git/run.ts';
import { storedRefs, swapRefs, writeText } from '../git/swap-refs.ts';
import { parseDocument } from './document.ts';
import { GROUP_REF, type Group, writeGroup } from './group.ts';
import { makeReplica, type Replica } from './replica.ts';
import { replicate } from './transaction.ts';

/** A change of the group: who its members are, and what they do. */
export type GroupChange = (group: Group) => Group;

/** How often it is tried again when another one came between. */
const ATTEMPTS = 5;

/** The group's document as the state has it, whatever this member has. */
async function current(replica: Replica): Promise<{ oid: string; group: Group }> {
  const coordinator = await replica.openCoordinator();
  try {
    const oid = (await coordinator.state()).get(GROUP_REF);
    if (oid === undefined) throw new GamError('bad-config', 'the group has no document');
    for (const { url, id } of replica.group.members) {
      const text = await gitOutput(['cat-file', 'blob', oid], replica.run).catch(() => null);
      const group = text === null ? null : await parseDocument(text, replica.run);
      if (group !== null) return { oid, group };
      if (id !== replica.self.id) await fetchObjects(url, [oid], replica.run).catch(() => false);
    }
    throw new GamError('member-unreachable', "the group's document is at no member that can be reached");
  } finally {
    await coordinator.close();
  }
}

/**
 * Changes the group on all members, as a push does a ref: in lock-step at the primaries, and queued for the others.
 *
 * @param tell told of what happens, in one line each
 * @throws GamError as a push is refused
 */
export async function changeGroup(
  replica: Replica,
  change: GroupChange,
  tell: (line: string) => void,
): Promise<Group> {
  for (let attempt = 1; ; attempt += 1) {
    const { oid, group } = await current(replica);
    const next = change(group);
    const text = writeGroup(next);
    const to = await writeText(text, replica.run);
    if (to === oid) return next;
    const here = (await storedRefs([GROUP_REF], replica.run)).get(GROUP_REF)?.oid ?? null;
    // Whoever is just joining is in the new group only, and whoever is leaving in the old one.
    const within = next.members.some(({ id }) => id === replica.self.id) ? next : group;
    const changing = makeReplica(replica.gitDir, {
      ...replica,
      group: { ...within, coordinator: group.coordinator, arbiter: group.arbiter },
      id: replica.self.id,
      warn: tell,
    });
    // A member that is behind, or only now joins, starts from what the others have.
    if (here !== oid) await swapRefs([{ ref: GROUP_REF, old: here, new: oid }], replica.run);
    const updates = [{ ref: GROUP_REF, old: oid, new: to }];
    const [report] = await replicate(changing, updates, {
      atomic: true,
      tell,
      signal: new AbortController().signal,
    });
    if (!report?.refused) return next;
    if (attempt >= ATTEMPTS)
      throw new GamError(
        'member-refused',
        `the group could not be changed: ${report.refused.replace(/^gam: /, '')}`,
      );
  }
}
