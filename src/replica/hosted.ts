import { randomBytes } from 'node:crypto';
import { GamError } from '../errors.ts';
import { pushHostedRefs } from '../git/hosted-refs.ts';
import { type RefSwap, storedRefs, swapRefs } from '../git/swap-refs.ts';
import { timeLimit } from '../git/time-limit.ts';
import { divergedRef, inOrder } from './converge.ts';
import type { Coordinator } from './coordinator.ts';
import { isPrimary, type Member } from './group.ts';
import { lookAtHosted } from './hosted-look.ts';
import { mergeApart } from './hosted-merge.ts';
import type { HostedRef } from './hosted-plan.ts';
import { hostedLock, putSeen } from './hosted-seen.ts';
import { receivePush } from './receive.ts';
import type { Replica } from './replica.ts';

/** Users push to either side meanwhile: so often it is looked again. */
const LOOKS = 2;

/** What became of the refs: null where they have moved, and else why not. */
type Outcome = Map<string, string | null>;

type Tell = (line: string) => void;

const toThere = ([ref, { there, here }]: [string, HostedRef]): RefSwap => ({ ref, old: there, new: here });
const toHere = ([ref, { there, here }]: [string, HostedRef]): RefSwap => ({ ref, old: here, new: there });

async function sendThere(
  { run, bounds }: Replica,
  { url }: Member,
  swaps: readonly RefSwap[],
): Promise<Outcome> {
  const all: Outcome = new Map();
  for (const batch of inOrder(swaps))
    for (const [ref, words] of await pushHostedRefs(url, batch, run, bounds.memberMs)) all.set(ref, words);
  return all;
}

// As a user's push: what this member refuses to users, it refuses to the hosted member, too.
async function takeHere(replica: Replica, swaps: readonly RefSwap[], tell: Tell): Promise<Outcome> {
  const all: Outcome = new Map();
  const signal = replica.run.signal ?? new AbortController().signal;
  for (const batch of inOrder(swaps))
    for (const { ref, refused } of await receivePush(replica, batch, { atomic: false, tell, signal }))
      all.set(ref, refused);
  return all;
}

/** Keeps what a hosted member has, and the group would lose, at all primaries that can be reached. */
async function keepAside(replica: Replica, apart: ReadonlyMap<string, HostedRef>, tell: Tell): Promise<void> {
  const { group, self, run } = replica;
  const tips = [...apart].flatMap(([ref, { there }]) =>
    there === null ? [] : { ref, name: divergedRef(ref, there), oid: there },
  );
  const known = tips.length === 0 ? new Map() : await storedRefs(['refs/gam/diverged/'], run);
  const fresh = tips.filter(({ name }) => !known.has(name));
  if (fresh.length === 0) return;
  const swaps = fresh.map(({ name, oid }) => ({ ref: name, old: null, new: oid }));
  const words = await swapRefs(swaps, run);
  if (words !== null) throw new GamError('git-failed', `what has moved apart could not be kept: ${words}`);
  const objects = fresh.map(({ oid }) => oid);
  const others = group.members.filter((member) => isPrimary(member) && member.id !== self.id);
  await Promise.allSettled(
    others.map((member) => replica.line(member).ask({ kind: 'swap', swaps }, objects)),
  );
  for (const { ref, name } of fresh) tell(`${ref} has moved apart: what is there is kept here as ${name}`);
}

async function lookOnce(
  replica: Replica,
  member: Member,
  coordinator: Coordinator,
  tell: Tell,
): Promise<readonly string[]> {
  const look = () => lookAtHosted(replica, member, () => coordinator.state());
  let { plan } = await look();
  if (member.onConflict === 'merge' && plan.apart.size > 0) {
    const swaps = await mergeApart(replica, plan.apart, (line) => tell(`${member.id}: ${line}`));
    const merged = await takeHere(replica, swaps, tell);
    for (const [ref, refused] of merged)
      tell(
        `${member.id}: ${ref} has moved apart, and ${refused === null ? 'was merged' : `was not merged: ${refused}`}`,
      );
    if (merged.size > 0) ({ plan } = await look());
  }
  await keepAside(replica, plan.apart, (line) => tell(`${member.id}: ${line}`));
  if (plan.apart.size > 0 && member.onConflict === 'stop')
    throw new GamError(
      'histories-differ',
      `${member.id} has moved apart at ${plan.apart.size} refs, such as ${[...plan.apart.keys()][0]}, and nothing goes either way`,
      { suggestion: 'merge what is under refs/gam/diverged/, and push that to a primary' },
    );
  const words = (line: string) => tell(`${member.id}: ${line}`);
  const [here, there] = [
    await takeHere(replica, [...plan.here].map(toHere), words),
    await sendThere(replica, member, [...plan.there].map(toThere)),
  ];
  const moved = [...here, ...there].filter(([, refused]) => refused === null).map(([ref]) => ref);
  const value = (ref: string): string | null =>
    plan.there.get(ref)?.here ?? plan.here.get(ref)?.there ?? null;
  const agreed = [
    ...[...plan.same].map(([ref, { seen, here: both }]) => ({ ref, old: seen, new: both })),
    ...moved.map((ref) => ({
      ref,
      old: (plan.there.get(ref) ?? plan.here.get(ref))?.seen ?? null,
      new: value(ref),
    })),
  ];
  const changes = agreed.filter(({ old, new: now }) => old !== now);
  if (changes.length > 0) await putSeen(replica, coordinator, member.id, changes);
  const count = (outcome: Outcome) => [...outcome.values()].filter((refused) => refused === null).length;
  if (count(here) > 0) tell(`${member.id} brought ${count(here)} refs`);
  if (count(there) > 0) tell(`${member.id} was sent ${count(there)} refs`);
  return [...here, ...there].flatMap(([ref, refused]) => (refused === null ? [] : `${ref}: ${refused}`));
}

/**
 * Has a hosted member and the group come together: where one side is ahead, the other is moved forward by compare-and-swap, the group's by
 * the same transaction as a user's push. Neither side is ever forced; refs that have moved apart stay, and both tips are kept.
 * Only one primary at a time does so.
 *
 * @param tell told of what was done, in one line each
 * @throws GamError `lock-timeout`, `member-unreachable`, `replica-behind`; `member-refused` where one side does not take what the
 *   other has; `histories-differ` where nothing goes on before somebody merges
 */
export async function syncHosted(replica: Replica, member: Member, tell: Tell): Promise<void> {
  const { self, bounds, run } = replica;
  const coordinator = await replica.openCoordinator();
  try {
    const lease = await coordinator.lock([hostedLock(member.id)], {
      holder: self.id,
      transaction: `${self.id}-${randomBytes(8).toString('hex')}`,
      signal: timeLimit(bounds.lockMs, run.signal),
    });
    try {
      let refused: readonly string[] = [];
      for (let look = 1; look <= LOOKS; look += 1) {
        refused = await lookOnce(replica, member, coordinator, tell);
        if (refused.length === 0) return;
      }
      throw new GamError(
        'member-refused',
        `${refused.length} refs of ${member.id} stay behind, such as ${refused[0]}`,
      );
    } finally {
      await lease.release();
    }
  } finally {
    await coordinator.close();
  }
}
