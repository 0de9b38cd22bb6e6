import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import { redactUrl } from '../protocol/redact.ts';
import { changeGroup } from './change-group.ts';
import { sendTo } from './follow.ts';
import { follows, type Group, memberOf } from './group.ts';
import { type Migration, migrationOf, rolesAt, STEPS, type Step, stepOf } from './migration.ts';
import { moveArbiter } from './move-arbiter.ts';
import { makeReplica, type Replica } from './replica.ts';

const MOST_ATTEMPTS = 5;

/** A migration as it stands. */
export interface Standing {
  step: Step;
  from: string | null;
  to: string | null;
}

/** @throws GamError `usage` where it is not clear between which members it is, or their roles are of no step */
export function standingOf(group: Group, given: Partial<Migration>): Standing {
  const { from, to } = migrationOf(group, given);
  if (given.from !== undefined && from !== null) memberOf(group, from);
  if (given.to !== undefined && to !== null) memberOf(group, to);
  const step = from !== null && from === to ? null : stepOf(group, { from, to });
  if (step !== null) return { step, from, to };
  const roles = group.members.map(({ id, role }) => `${id} ${role}`).join(', ');
  throw new GamError('usage', `${group.name} is at no step of a migration: its members are ${roles}`, {
    suggestion: 'name the old and the new one: --from <id> --to <id>; gam replica role changes what they do',
  });
}

/** The step that comes, forth or back; null at the end. */
export function neighbour({ step }: Standing, way: 'next' | 'back'): Step | null {
  return STEPS[STEPS.indexOf(step) + (way === 'next' ? 1 : -1)] ?? null;
}

/**
 * What a step changes, in a line; or what has to be done elsewhere for it.
 * @param self the member that is asked
 */
export function planOf(
  standing: Standing,
  way: 'next' | 'back',
  { group, self }: Pick<Replica, 'group' | 'self'>,
): { says: string } | { elsewhere: string } {
  const { step, from, to } = standing;
  const target = neighbour(standing, way)?.name;
  const url = (id: string | null) => redactUrl(group.members.find((one) => one.id === id)?.url ?? '');
  switch (target) {
    case 'old-only':
      return { elsewhere: `on the server of ${to}: gam replica leave` };
    case 'new-follows':
      return step.name === 'old-only'
        ? {
            elsewhere: `on the new server: gam replica join ${url(from)} --id <id> --url <url> --role follower`,
          }
        : { says: `${to} takes no pushes any more, and follows ${from}` };
    case 'both-primary':
      return way === 'next'
        ? { says: `${to} becomes a primary: it takes pushes, in lock-step with ${from}` }
        : { says: `${from} warns no more` };
    case 'old-warns':
      return way === 'next'
        ? { says: `${from} still takes pushes, and tells who pushes that ${url(to)} is its successor` }
        : { says: `${from} takes pushes again, in lock-step with ${to}, and warns` };
    case 'old-follows':
      return way === 'next'
        ? { says: `${from} refuses pushes, with ${url(to)}, and follows; the arbiter moves to ${to}` }
        : { elsewhere: `${from} is gone: gam replica join takes it in again` };
    case 'new-only':
      return self.id === from
        ? { says: `${from} leaves the group, and its repository is renamed` }
        : { elsewhere: `on the server of ${from}, whose repository is renamed then: gam replica phase next` };
    case undefined:
      return { elsewhere: way === 'next' ? 'the migration is over' : 'the migration has not begun' };
  }
}

/** Takes a step between two members that are both there. */
export async function takeStep(
  replica: Replica,
  standing: Standing & { from: string; to: string },
  target: Step,
  tell: (line: string) => void,
): Promise<void> {
  const { from, to } = standing;
  const roles = rolesAt(target.name);
  if (roles === undefined) return;
  let now = replica;
  if (replica.group.coordinator === 'git') {
    // Who takes no pushes is no arbiter: it moves before that.
    const arbiter = target.name === 'old-follows' ? to : target.name === 'new-follows' ? from : null;
    if (arbiter !== null) {
      const group = await moveArbiter(replica, arbiter);
      if (replica.group.arbiter !== arbiter) tell(`${arbiter} is the arbiter now`);
      now = { ...replica, group };
    }
  }
  const changed = await changeGroup(
    now,
    (group) => ({
      ...group,
      migration: { from, to },
      members: group.members.map((member) =>
        member.id === from
          ? { ...member, role: roles[0] }
          : member.id === to
            ? { ...member, role: roles[1] }
            : member,
      ),
    }),
    tell,
  );
  await sendNow(
    makeReplica(replica.gitDir, { ...replica, group: changed, id: replica.self.id, warn: tell }),
    [from, to],
  ).catch((error: Error) => tell(`it is told to all members in a moment: ${error.message}`));
}

// Pushes that come between have it look anew.
async function withPatience(send: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await send();
      return;
    } catch (error) {
      if (attempt >= MOST_ATTEMPTS) throw error;
      await pause(attempt * 200);
    }
  }
}

// A follower learns of the group as of a push, from the queue; but one that takes no pushes any more is to say so when this is done.
async function sendNow(replica: Replica, ids: readonly string[]): Promise<void> {
  const { group, self } = replica;
  const coordinator = await replica.openCoordinator();
  try {
    for (const member of group.members)
      if (ids.includes(member.id) && member.id !== self.id && follows(member))
        await withPatience(() =>
          sendTo(replica, member, { state: () => coordinator.state(), replaced: () => new Set() }),
        );
  } finally {
    await coordinator.close();
  }
}
