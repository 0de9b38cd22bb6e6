import { type HookState, inspectHooks } from '../git/hooks.ts';
import { runGit } from '../git/run.ts';
import { storedRefs } from '../git/swap-refs.ts';
import { redactUrl } from '../protocol/redact.ts';
import { differing } from './converge.ts';
import type { HeldLock } from './coordinator.ts';
import { type Failure, failureOf } from './failures.ts';
import { GROUP_REF, isPublished, type Member, type Role } from './group.ts';
import { type HookProgram, hookScripts } from './hook-scripts.ts';
import { hostedValues, planOf } from './hosted-look.ts';
import { queuedFor } from './queue.ts';
import type { Replica } from './replica.ts';

/** How one member stands. */
export interface MemberStatus {
  id: string;
  url: string;
  role: Role;
  /** Whether it is this one. */
  self: boolean;
  /** `current`: it has what the group's state says; `behind`; `unreachable`. */
  state: 'current' | 'behind' | 'unreachable';
  /** Refs that are not what they are meant to be; null when unknown. */
  refsBehind: number | null;
  /** Why it cannot be reached. */
  reason: string | null;
  /** Notes that this member has for it, and the age of the oldest in milliseconds. */
  queued: number;
  queuedMs: number | null;
  /** Why this member could not bring it up to date when that was last tried, and when; null once that is over. */
  lastFailure: Failure | null;
  /** Of a hosted member: the refs that have moved apart, so that neither side takes the other's; as far as its objects are here. */
  apart: string[];
}

/** How a group stands, seen from one member. */
export interface GroupStatus {
  group: string;
  self: string;
  coordinator: {
    kind: string;
    arbiter: string | null;
    healthy: boolean;
    reason: string | null;
    latencyMs: number | null;
  };
  members: MemberStatus[];
  locks: (HeldLock & { ageMs: number })[];
  hooks: Record<string, HookState>;
  /** Refs that were kept aside here. */
  diverged: string[];
}

async function valuesOf(replica: Replica, member: Member): Promise<Map<string, string>> {
  const { group, run, self } = replica;
  if (member.role === 'hosted') return hostedValues(replica, member);
  const prefixes = [...group.publish];
  if (member.id === self.id)
    return new Map([...(await storedRefs(prefixes, run))].map(([ref, { oid }]) => [ref, oid]));
  const told = await replica.line(member).ask({ kind: 'list', prefixes });
  return new Map(told.kind === 'refs' ? [...told.refs].map(([ref, { oid }]) => [ref, oid]) : []);
}

async function memberStatus(
  replica: Replica,
  member: Member,
  state: ReadonlyMap<string, string> | null,
): Promise<MemberStatus> {
  const entry = queuedFor(replica.places.queue, member.id);
  const common = {
    ...{ id: member.id, url: redactUrl(member.url), role: member.role, self: member.id === replica.self.id },
    queued: entry?.refs.size ?? 0,
    queuedMs: entry === null ? null : Math.max(0, Date.now() - entry.since),
    lastFailure: failureOf(replica.places, member.id),
  };
  try {
    const values = await valuesOf(replica, member);
    const wanted =
      state && new Map([...state].filter(([ref]) => ref !== GROUP_REF && isPublished(replica.group, ref)));
    const refsBehind = wanted && differing(values, wanted).length;
    const plan = member.role === 'hosted' && state && (await planOf(replica, member, values, state));
    return {
      ...common,
      state: refsBehind === 0 || refsBehind === null ? 'current' : 'behind',
      refsBehind,
      reason: null,
      apart: plan ? [...plan.apart.keys()] : [],
    };
  } catch (error) {
    return { ...common, state: 'unreachable', refsBehind: null, apart: [], reason: (error as Error).message };
  }
}

/**
 * How the group stands. Asks every member; one that cannot be reached costs no more than `replica.memberTimeout`.
 */
export async function groupStatus(replica: Replica, program: HookProgram): Promise<GroupStatus> {
  const { group, run, gitDir, self } = replica;
  const coordinator = await replica.openCoordinator();
  const began = performance.now();
  let health: { state: ReadonlyMap<string, string> | null; locks: HeldLock[]; reason: string | null };
  try {
    const [state, locks] = await Promise.all([coordinator.state(), coordinator.locks()]);
    health = { state, locks, reason: null };
  } catch (error) {
    health = { state: null, locks: [], reason: (error as Error).message };
  } finally {
    await coordinator.close();
  }
  const latencyMs = health.reason === null ? Math.round(performance.now() - began) : null;
  const [members, hooks, kept] = await Promise.all([
    Promise.all(group.members.map((member) => memberStatus(replica, member, health.state))),
    inspectHooks(gitDir, hookScripts(program), run),
    runGit(['for-each-ref', '--format=%(refname)', 'refs/gam/diverged/'], run),
  ]);
  const [kind = 'git'] = group.coordinator.split(':');
  return {
    group: group.name,
    self: self.id,
    coordinator: {
      kind,
      arbiter: kind === 'git' ? group.arbiter : null,
      healthy: health.reason === null,
      reason: health.reason,
      latencyMs,
    },
    members,
    locks: health.locks.map((lock) => ({ ...lock, ageMs: Math.max(0, Date.now() - lock.since) })),
    hooks: Object.fromEntries(hooks),
    diverged: kept.stdout.split('\n').filter((line) => line !== ''),
  };
}
