import { GamError } from '../errors.ts';
import { listHostedRefs } from '../git/hosted-refs.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { changeGroup } from './change-group.ts';
import { type Group, isPrimary, type Member, memberOf } from './group.ts';
import { forgetSeen } from './hosted-seen.ts';
import { enqueueLook } from './queue.ts';
import type { Replica } from './replica.ts';

function checkHosted({ group, self }: Replica, { id, url }: Member): void {
  if (!isPrimary(self))
    throw new GamError('usage', `${self.id} is no primary of ${group.name}`, {
      suggestion: 'only primaries bring what is pushed to a forge: run this at one of them',
    });
  const same = group.members.find((one) => one.id === id || one.url === url);
  if (same !== undefined)
    throw new GamError('usage', `${group.name} has ${same.id} already: ${redactUrl(same.url)}`, {
      suggestion: 'take another --id, or gam replica unhost it first',
    });
  // Each primary would take it for another place.
  if (!/^(?:[a-z][a-z0-9+.-]*:\/\/|[^/:]+:|\/)/i.test(url) || url.startsWith('-'))
    throw new GamError('bad-url', `${printable(url, 100)} is no URL that all primaries can use`, {
      suggestion: 'give it with its host, as for git clone; or an absolute path',
    });
}

/**
 * Takes a repository into the group where nothing of gam can be installed, such as that of a forge.
 *
 * @throws GamError `usage`, `bad-url`, `member-unreachable`; nothing has changed then
 */
export async function hostMember(
  replica: Replica,
  member: Member,
  tell: (line: string) => void,
): Promise<Group> {
  checkHosted(replica, member);
  const refs = await listHostedRefs(member.url, replica.run, replica.bounds.memberMs);
  const [oid] = refs.values();
  if (oid !== undefined && (oid.length === 64) !== (replica.format === 'sha256'))
    throw new GamError('bad-url', `${redactUrl(member.url)} names objects by another hash than this group`, {
      suggestion: `the group's is ${replica.format}`,
    });
  // Of one that was called so before.
  await forgetSeen(replica, member.id);
  const add = (now: Group) => ({ ...now, members: [...now.members, member] });
  const group = await changeGroup(replica, add, tell);
  enqueueLook(replica.places.queue, member.id);
  return group;
}

/**
 * Takes a hosted member out of the group; over there nothing changes.
 * @throws GamError `usage`
 */
export async function unhostMember(
  replica: Replica,
  id: string,
  tell: (line: string) => void,
): Promise<void> {
  if (memberOf(replica.group, id).role !== 'hosted')
    throw new GamError('usage', `${id} is no hosted member`, {
      suggestion: 'other members leave by themselves: gam replica leave',
    });
  const drop = (now: Group) => ({ ...now, members: now.members.filter((one) => one.id !== id) });
  await changeGroup(replica, drop, tell);
  await forgetSeen(replica, id);
}
