import { printable } from '../../protocol/text.ts';
import type { WatchedGroup } from '../group-watch.ts';
import { shownReason, shownUrl } from './gather.ts';
import type { ShownGroup } from './status.ts';

const iso = (time: number) => new Date(time).toISOString();

/** A group as the page shows it: no login, no folder of this machine. */
export function shownGroup({ path, group, seenAt }: WatchedGroup): ShownGroup {
  const { coordinator, members, locks } = group;
  const at = seenAt ?? 0;
  return {
    path,
    name: group.group,
    self: group.self,
    seenAt: seenAt === null ? null : iso(seenAt),
    coordinator: { ...coordinator, reason: coordinator.reason && shownReason(coordinator.reason) },
    members: members.map(
      ({ id, role, url, self, state, refsBehind, refsDiverged, since, reason, queued, queuedMs }) => ({
        id,
        role,
        url: shownUrl(url),
        self,
        state,
        refsBehind,
        refsDiverged,
        since,
        reason: reason && shownReason(reason),
        queued,
        queuedSince: queuedMs === null || seenAt === null ? null : iso(at - queuedMs),
      }),
    ),
    locks:
      locks &&
      locks.map(({ ref, holder, ageMs, leaseMs }) => ({
        ref: printable(ref),
        holder: printable(holder),
        since: iso(at - ageMs),
        leaseMs,
      })),
  };
}
