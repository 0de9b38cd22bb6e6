import { Gauge, type Registry } from 'prom-client';
import type { WatchedGroup } from './group-watch.ts';
import type { SeenMember } from './groups.ts';

const IN_GROUP = ['repository', 'group'] as const;
const OF_MEMBER = [...IN_GROUP, 'member'] as const;

const seconds = (ms: number) => ms / 1000;

// By whom a member is not asked, nothing is known.
function isUp({ state, self }: SeenMember): number | null {
  if (self || state === 'retired') return null;
  return state === 'unreachable' ? 0 : 1;
}

/**
 * Adds how groups stand to what a server tells. What is unknown has no sample; ages are told as the time when it began, as Prometheus
 * recommends, since the figures may be older than the scrape.
 *
 * @param groups what is known now
 */
export function registerGroups(registry: Registry, groups: () => readonly WatchedGroup[]): void {
  const registers = [registry];
  // Asked for once for each gauge: all of it is at hand.
  const seen = () => groups().filter(({ seenAt }) => seenAt !== null);
  const ofGroup = (name: string, help: string, value: (watched: WatchedGroup) => number | null) =>
    new Gauge({
      name: `gam_replica_${name}`,
      help,
      registers,
      labelNames: IN_GROUP,
      collect() {
        this.reset();
        for (const watched of seen()) {
          const figure = value(watched);
          if (figure !== null)
            this.set(
              {
                repository: watched.path,
                group: watched.group.group,
              },
              figure,
            );
        }
      },
    });
  const ofMember = (
    name: string,
    help: string,
    value: (member: SeenMember, seenAt: number) => number | null,
  ) =>
    new Gauge({
      name: `gam_replica_${name}`,
      help,
      registers,
      labelNames: OF_MEMBER,
      collect() {
        this.reset();
        for (const { path, group, seenAt } of seen())
          for (const member of group.members) {
            const figure = value(member, seenAt ?? 0);
            const labels = {
              repository: path,
              group: group.group,
              member: member.id,
            };
            if (figure !== null) this.set(labels, figure);
          }
      },
    });
  ofMember('member_up', 'Whether another member of the group answers.', isUp);
  ofMember('refs_behind', 'Refs at which a member is not what the group says.', (one) => one.refsBehind);
  ofMember(
    'refs_diverged',
    'Refs at which a member has what the group never had.',
    (one) => one.refsDiverged,
  );
  ofMember(
    'behind_since_timestamp_seconds',
    'Since when a member has been behind, at least.',
    ({ refsBehind, since }) => (refsBehind && since !== null ? seconds(Date.parse(since)) : null),
  );
  ofMember('queue_refs', 'Refs that the repository still has to send to a member.', ({ queued, self }) =>
    self ? null : queued,
  );
  ofMember(
    'queue_oldest_timestamp_seconds',
    'When the oldest of these was queued.',
    ({ queuedMs }, seenAt) => (queuedMs === null ? null : seconds(seenAt - queuedMs)),
  );
  ofGroup('locks_held', 'Refs that pushes have locked.', ({ group }) => group.locks && group.locks.length);
  ofGroup('coordinator_up', 'Whether the coordinator of the group answers.', ({ group }) =>
    Number(group.coordinator.healthy === true),
  );
  ofGroup(
    'coordinator_latency_seconds',
    'How long the coordinator took to tell state and locks.',
    ({ group }) => group.coordinator.latencyMs && seconds(group.coordinator.latencyMs),
  );
  ofGroup('last_look_timestamp_seconds', 'When all of this was looked at.', ({ seenAt }) =>
    seenAt === null ? null : seconds(seenAt),
  );
}
