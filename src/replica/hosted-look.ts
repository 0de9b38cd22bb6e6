import { GamError } from '../errors.ts';
import { listHostedRefs } from '../git/hosted-refs.ts';
import { fetchObjects, missingObjects } from '../git/reach.ts';
import { runGit } from '../git/run.ts';
import { timeLimit } from '../git/time-limit.ts';
import type { RefValues } from './converge.ts';
import { isPublished, type Member } from './group.ts';
import { type HostedPlan, planHosted } from './hosted-plan.ts';
import { seenOf } from './hosted-seen.ts';
import type { Replica } from './replica.ts';

/** What a look at a hosted member has found. */
export interface HostedLook {
  there: ReadonlyMap<string, string>;
  plan: HostedPlan;
}

/** The published refs of a hosted member. @throws GamError `member-unreachable` */
export async function hostedValues(
  { group, run, bounds }: Replica,
  member: Member,
): Promise<Map<string, string>> {
  const all = await listHostedRefs(member.url, run, bounds.memberMs);
  return new Map([...all].filter(([ref]) => isPublished(group, ref)));
}

// A tag that is moved has nothing to do with what it was (git-push(1): tags are not fast-forwarded).
const goesForward = (ref: string) => !ref.startsWith('refs/tags/');

async function ancestries(
  { run }: Replica,
  pairs: readonly [ref: string, from: string, to: string][],
): Promise<Set<string>> {
  const led = new Set<string>();
  for (const [ref, from, to] of pairs) {
    if (!goesForward(ref) || led.has(`${from} ${to}`)) continue;
    // Fails, too, where one of them is not here, or is no commit.
    if ((await runGit(['merge-base', '--is-ancestor', from, to], run)).status === 0) led.add(`${from} ${to}`);
  }
  return led;
}

/** Which way the refs of a hosted member go, as far as can be told by the objects that are here. */
export async function planOf(
  replica: Replica,
  member: Member,
  there: ReadonlyMap<string, string>,
  state: RefValues,
): Promise<HostedPlan> {
  const here = new Map([...state].filter(([ref]) => isPublished(replica.group, ref)));
  const pairs = [...here].flatMap(([ref, oid]): [string, string, string][] => {
    const other = there.get(ref);
    return other === undefined || other === oid
      ? []
      : [
          [ref, other, oid],
          [ref, oid, other],
        ];
  });
  const led = await ancestries(replica, pairs);
  return planHosted({ seen: seenOf(member.id, state), there, here }, (ref, from, to) =>
    goesForward(ref) ? led.has(`${from} ${to}`) : false,
  );
}

/**
 * Looks at a hosted member, and brings what it has to here; no ref is moved.
 * @throws GamError `member-unreachable`; `replica-behind` where this member has not all of the group's objects yet
 */
export async function lookAtHosted(
  replica: Replica,
  member: Member,
  readState: () => Promise<RefValues>,
): Promise<HostedLook> {
  const { run, bounds, self } = replica;
  const there = await hostedValues(replica, member);
  const state = await readState();
  const foreign = [...there].filter(([ref, oid]) => state.get(ref) !== oid).map(([, oid]) => oid);
  const missing = await missingObjects(foreign, run);
  // For so long again as members may be silent: what is fetched may be large.
  const signal = timeLimit(60 * bounds.memberMs, run.signal);
  if (missing.length > 0 && !(await fetchObjects(member.url, missing, { ...run, signal })))
    throw new GamError('member-unreachable', `${member.id} has moved again, or does not give what it names`);
  const own = [...state].filter(([ref]) => isPublished(replica.group, ref)).map(([, oid]) => oid);
  const lacking = (await missingObjects(own, run)).length;
  if (lacking > 0)
    throw new GamError('replica-behind', `${lacking} objects of the group are not at ${self.id} yet`);
  return { there, plan: await planOf(replica, member, there, state) };
}
