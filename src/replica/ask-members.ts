import { setMaxListeners } from 'node:events';
import { GamError } from '../errors.ts';
import { timeLimit } from '../git/time-limit.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { bounded } from './bounded.ts';
import { differing, type RefValues } from './converge.ts';
import type { Member } from './group.ts';
import { planOf } from './hosted-look.ts';
import { meantFor, memberRefs, strangersAmong } from './member-refs.ts';
import type { Asked } from './member-status.ts';
import { makeReplica, type Replica } from './replica.ts';
import { lagging } from './standing.ts';

/** What bounds a look at a group. */
export interface LookBounds {
  /** This member, whose commands for others end with the look. */
  asking: Replica;
  /** Gives up on what is too slow. */
  within: <T>(work: Promise<T>) => Promise<T>;
  /** Words an error for people, without the URL: whoever reads it knows which member it is of. */
  wordsOf: (error: unknown) => string;
}

/** All of a look lasts for `replica.memberTimeout`, from now on. */
export function boundsOf(replica: Replica, signal: AbortSignal | undefined): LookBounds {
  const { memberMs } = replica.bounds;
  const either = timeLimit(memberMs, signal);
  // Each command listens, and a group has as many members as it has.
  setMaxListeners(0, either);
  const run = { ...replica.run, signal: either };
  const { gitDir, self } = replica;
  return {
    asking: makeReplica(gitDir, { ...replica, id: self.id, run, warn: () => undefined }),
    within: (work) => bounded(work, memberMs, either),
    wordsOf: (error) => {
      if (either.aborted) return `no answer for ${memberMs / 1000} s`;
      const { message } = error as Error;
      const url = error instanceof GamError ? error.url : undefined;
      return printable(redactText(url === undefined ? message : message.replace(`${url} `, '')));
    },
  };
}

/** What members are compared with. */
export interface Comparison {
  /** The state as it was read when members were asked; null where it could not be. */
  state: Promise<RefValues | null>;
  /** The state as it is when this is called. */
  again: () => Promise<RefValues>;
}

const NOTHING: Asked = {
  latencyMs: null,
  reason: null,
  lags: null,
  strangers: new Set(),
  refsUnlike: null,
  apart: [],
};

// What is asked of this repository alone is not to end with whoever is too slow.
async function compare(
  replica: Replica,
  member: Member,
  values: RefValues,
  { state, again, here }: Comparison & { here: Promise<Asked> | null },
): Promise<Pick<Asked, 'lags' | 'strangers' | 'refsUnlike' | 'apart'>> {
  const before = await state;
  const { strangers, apart } = NOTHING;
  if (before === null) {
    const own = await memberRefs(replica, replica.self);
    return {
      lags: null,
      strangers,
      refsUnlike: differing(meantFor(replica, member, own), values).length,
      apart,
    };
  }
  const meant = (of: RefValues) => meantFor(replica, member, of);
  if (differing(values, meant(before)).length === 0) return { lags: [], strangers, refsUnlike: null, apart };
  const after = await again().catch(() => before);
  const lags = lagging(values, meant(before), meant(after));
  const lagsHere = new Set((await here)?.lags?.map(({ ref }) => ref));
  return {
    lags,
    strangers: await strangersAmong(replica, member, lags, { lagsHere, state: after }),
    refsUnlike: null,
    apart:
      member.role === 'hosted' ? [...(await planOf(replica, member, values, after)).apart.keys()] : apart,
  };
}

/**
 * Asks every member, this one included, where its refs are, and compares; all at the same time. Those that are retired are not asked.
 * @returns what came of it, by member
 */
export async function askMembers(
  replica: Replica,
  { asking, within, wordsOf }: LookBounds,
  comparison: Comparison,
): Promise<ReadonlyMap<string, Asked>> {
  const { group, self } = replica;
  const ask = async (member: Member, here: Promise<Asked> | null): Promise<Asked> => {
    const began = performance.now();
    const from = member.id === self.id ? replica : asking;
    const values = await within(memberRefs(from, member)).catch((error: unknown) => wordsOf(error));
    if (typeof values === 'string') return { ...NOTHING, reason: values };
    const latencyMs = Math.round(performance.now() - began);
    return { latencyMs, reason: null, ...(await compare(replica, member, values, { ...comparison, here })) };
  };
  const here = ask(self, null);
  const others = group.members.filter(({ id, role }) => id !== self.id && role !== 'retired');
  const asked = others.map(async (member) => [member.id, await ask(member, here)] as const);
  const own = here.then((one) => [self.id, one] as const);
  return new Map(await Promise.all([own, ...asked]));
}
