import { type HookState, inspectHooks } from '../git/hooks.ts';
import { runGit } from '../git/run.ts';
import { askMembers, boundsOf } from './ask-members.ts';
import { DIVERGED_REFS } from './converge.ts';
import type { HeldLock } from './coordinator.ts';
import { type CoordinatorStatus, lookAtCoordinator, unseenCoordinator } from './coordinator-status.ts';
import { failureOf } from './failures.ts';
import { type HookProgram, hookScripts } from './hook-scripts.ts';
import { type Asked, type MemberStatus, memberStatus } from './member-status.ts';
import { queued } from './queue.ts';
import { readings } from './readings.ts';
import type { Replica } from './replica.ts';
import { noteSightings, type Sighting } from './sightings.ts';

/** A lock, and its age by this machine's clock. */
export type AgedLock = HeldLock & { ageMs: number };

/** What is seen of a group from one member. */
export interface SeenGroup {
  group: string;
  /** The member that looks. */
  self: string;
  coordinator: CoordinatorStatus;
  members: MemberStatus[];
  /** Null when unknown. */
  locks: AgedLock[] | null;
}

/** How a group stands, seen from one member. */
export interface GroupStatus extends SeenGroup {
  hooks: Record<string, HookState>;
  /** Refs that were kept aside here. */
  diverged: string[];
}

/** Locks with their ages. */
export function withAges(locks: readonly HeldLock[], now: number): AgedLock[] {
  return locks.map((lock) => ({ ...lock, ageMs: Math.max(0, now - lock.since) }));
}

/** What its configuration and its own disk tell of a member's group; nobody is asked. */
export function unseenGroup({ group, self, places }: Replica): SeenGroup {
  const now = Date.now();
  const notes = queued(places.queue);
  return {
    group: group.name,
    self: self.id,
    coordinator: unseenCoordinator(group),
    members: group.members.map((member) => {
      const entry = notes.find((one) => one.member === member.id);
      const failure = failureOf(places, member.id);
      return memberStatus(member, self, null, { entry, failure, sighting: undefined, now });
    }),
    locks: null,
  };
}

function note(
  { places }: Replica,
  asked: ReadonlyMap<string, Asked>,
  now: number,
): ReadonlyMap<string, Sighting> {
  const looks = [...asked].map(
    ([id, { reason, lags }]) => [id, { answered: reason === null, lags }] as const,
  );
  return noteSightings(places.sightings, new Map(looks), now);
}

/**
 * Looks at a group: asks the coordinator and every member at the same time. Whoever does not answer costs no more than
 * `replica.memberTimeout`, and the others are told of all the same. What was seen is remembered, for the next look to tell since when.
 *
 * @param signal ends it; what it then returns means nothing
 */
export async function seeGroup(replica: Replica, signal?: AbortSignal): Promise<SeenGroup> {
  const bounds = boundsOf(replica, signal);
  const { group, self, places } = replica;
  const coordinator = bounds.asking.openCoordinator();
  try {
    const first = lookAtCoordinator(group, coordinator, bounds);
    const state = first.then((look) => look.state);
    const again = readings(() => bounds.within(coordinator.then((one) => one.state())));
    const asked = await askMembers(replica, bounds, { state, again });
    const { status, locks } = await first;
    const now = Date.now();
    const sightings = signal?.aborted ? new Map<string, Sighting>() : note(replica, asked, now);
    const notes = queued(places.queue);
    return {
      group: group.name,
      self: self.id,
      coordinator: status,
      members: group.members.map((member) => {
        const entry = notes.find((one) => one.member === member.id);
        const sighting = sightings.get(member.id);
        const failure = failureOf(places, member.id);
        return memberStatus(member, self, asked.get(member.id) ?? null, { entry, failure, sighting, now });
      }),
      locks: locks && withAges(locks, now),
    };
  } finally {
    await bounds.within(coordinator.then((one) => one.close())).catch(() => undefined);
  }
}

/** How the group stands, and this member's own hooks and refs that were kept aside. */
export async function groupStatus(
  replica: Replica,
  program: HookProgram,
  signal?: AbortSignal,
): Promise<GroupStatus> {
  const { gitDir, run } = replica;
  const [seen, hooks, kept] = await Promise.all([
    seeGroup(replica, signal),
    inspectHooks(gitDir, hookScripts(program), run),
    runGit(['for-each-ref', '--format=%(refname)', DIVERGED_REFS], run),
  ]);
  return {
    ...seen,
    hooks: Object.fromEntries(hooks),
    diverged: kept.stdout.split('\n').filter((line) => line !== ''),
  };
}
