import { setTimeout as pause } from 'node:timers/promises';
import { inspectHooks } from '../git/hooks.ts';
import { differing } from './converge.ts';
import { isPublished, type Member } from './group.ts';
import { type HookProgram, hookScripts } from './hook-scripts.ts';
import { queued } from './queue.ts';
import type { Replica } from './replica.ts';

/** What must hold for a step to be taken. */
export interface Condition {
  name: 'coordinator' | 'hooks' | 'converged' | 'queue';
  holds: boolean;
  /** Why it does not hold, in words for people. */
  reason: string | null;
}

/** Pushes go on: what was on its way at one look has arrived at a later one, or something is wrong. */
const LONGEST_MS = 15_000;
const STEP_MS = 300;

type Lag = ReadonlyMap<string, string>;

async function lagOf(replica: Replica, member: Member, state: ReadonlyMap<string, string>): Promise<Lag> {
  const { group } = replica;
  const told = await replica.line(member).ask({ kind: 'list', prefixes: [...group.publish] });
  const there = new Map(told.kind === 'refs' ? [...told.refs].map(([ref, { oid }]) => [ref, oid]) : []);
  const wanted = new Map([...state].filter(([ref]) => isPublished(group, ref)));
  return new Map(differing(there, wanted).map((ref) => [`${ref} ${there.get(ref) ?? ''}`, ref]));
}

/** What of a lag was there at all looks. */
function still(before: Lag | null, now: Lag): Lag {
  return before === null ? now : new Map([...now].filter(([key]) => before.has(key)));
}

async function converged(replica: Replica, members: readonly Member[]): Promise<string | null> {
  const coordinator = await replica.openCoordinator();
  const until = performance.now() + LONGEST_MS;
  try {
    for (const member of members) {
      for (let lag: Lag | null = null; ; ) {
        lag = still(lag, await lagOf(replica, member, await coordinator.state()));
        if (lag.size === 0) break;
        const [ref] = lag.values();
        if (performance.now() > until) return `${member.id} is behind at ${ref}`;
        await pause(STEP_MS);
      }
    }
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await coordinator.close();
  }
}

async function delivered(replica: Replica, ids: readonly string[]): Promise<string | null> {
  const until = performance.now() + LONGEST_MS;
  let files: Set<string> | null = null;
  for (;;) {
    const notes = queued(replica.places.queue).filter(({ member }) => ids.includes(member));
    const now: string[] = notes.flatMap((one) => [...one.files]);
    files = new Set(files === null ? now : now.filter((file) => files?.has(file)));
    if (files.size === 0) return null;
    if (performance.now() > until) return `something is still to be sent to ${notes[0]?.member ?? ''}`;
    await pause(STEP_MS);
  }
}

async function reachable(replica: Replica): Promise<string | null> {
  const coordinator = await replica.openCoordinator();
  try {
    await coordinator.locks();
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await coordinator.close();
  }
}

async function hooksInPlace({ gitDir, run }: Replica, program: HookProgram): Promise<string | null> {
  const states = await inspectHooks(gitDir, hookScripts(program), run);
  const amiss = [...states].find(([, state]) => state !== 'installed');
  return amiss === undefined ? null : `hook ${amiss[0]} is ${amiss[1]}: gam replica reconcile installs it`;
}

/**
 * Looks whether the members of a migration are ready for its next step. Those that answer have their hooks in place: these answer.
 */
export async function phaseConditions(
  replica: Replica,
  members: readonly Member[],
  program: HookProgram,
): Promise<Condition[]> {
  const coordinator = await reachable(replica);
  const condition = (name: Condition['name'], reason: string | null): Condition => ({
    name,
    holds: reason === null,
    reason,
  });
  const hooks = await hooksInPlace(replica, program);
  if (coordinator !== null) return [condition('coordinator', coordinator), condition('hooks', hooks)];
  const ids = members.map(({ id }) => id);
  return [
    condition('coordinator', null),
    condition('hooks', hooks),
    condition('queue', await delivered(replica, ids)),
    condition('converged', await converged(replica, members)),
  ];
}
