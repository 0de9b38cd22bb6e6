import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { RefReport } from '../protocol/proc-receive-report.ts';
import { redactUrl } from '../protocol/redact.ts';
import type { Group } from './group.ts';
import { successorOf } from './migration.ts';
import { ownRefusals } from './own-rules.ts';
import type { TransactionOptions } from './push.ts';
import type { Replica } from './replica.ts';
import { replicate } from './transaction.ts';

/** Where to push to in place of a member that takes none. */
function primaryUrl(group: Group, self: string): string {
  const url = successorOf(group, self)?.url;
  return url === undefined ? 'no primary is known' : `push to ${redactUrl(url)}`;
}

function refusedByRole({ group, self }: Replica): string | null {
  switch (self.role) {
    case 'follower':
      return `gam: ${self.id} follows the others and takes no pushes; ${primaryUrl(group, self.id)}`;
    case 'refusing':
    case 'retired':
      return `gam: ${self.id} takes no pushes any more; ${primaryUrl(group, self.id)}`;
    case 'primary':
    case 'deprecated':
    case 'hosted':
      return null;
  }
}

/**
 * Takes a user's push.
 * @returns what became of each ref
 */
export async function receivePush(
  replica: Replica,
  updates: readonly RefUpdate[],
  options: TransactionOptions,
): Promise<RefReport[]> {
  const { group, self } = replica;
  const byRole = refusedByRole(replica);
  if (byRole !== null) return updates.map(({ ref }) => ({ ref, refused: byRole }));
  if (self.role === 'deprecated')
    options.tell(`${self.id} will be retired; ${primaryUrl(group, self.id)} from now on`);
  const refusals = await ownRefusals(replica, updates, options.tell);
  if (options.atomic && refusals.size > 0)
    for (const { ref } of updates) if (!refusals.has(ref)) refusals.set(ref, 'atomic push failed');
  const rest = updates.filter(({ ref }) => !refusals.has(ref));
  const done = rest.length === 0 ? [] : await replicate(replica, rest, options);
  const byRef = new Map(done.map((report) => [report.ref, report]));
  return updates.map(({ ref }) => byRef.get(ref) ?? { ref, refused: refusals.get(ref) ?? null });
}
