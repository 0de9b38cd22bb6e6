import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import { missingObjects, unreached } from '../git/reach.ts';
import type { RefSwap } from '../git/swap-refs.ts';
import { convergence, DIVERGED_REFS, inOrder, type RefValues } from './converge.ts';
import { GROUP_REF, type Group, isPublished, type Member } from './group.ts';
import type { MemberLine } from './member-line.ts';
import { replacedKey } from './queue.ts';
import type { Replica } from './replica.ts';
import { swapThere } from './swap-there.ts';

/** What sending came to. */
export interface Sent {
  moved: string[];
  /** Refs of the follower that somebody had written to; what stood there is kept at the follower under refs/gam/diverged/. */
  kept: string[];
}

/** What is sent. */
export interface Sending {
  /** Asks for the group's state. */
  state: () => Promise<RefValues>;
  /** What pushes here have replaced by now, as replacedKey() writes it: a follower that still has it was not written to. */
  replaced: () => ReadonlySet<string>;
}

/** Others may move the same follower at the same time: so often it is looked at again. */
const LOOKS = 5;

/**
 * What stands at a follower may also be what a push to another primary has just replaced, whose worker is about to move it. So long it
 * is left alone, in milliseconds, before it counts as a stranger's.
 */
const DOUBT_MS = 2000;

/** What looks at a follower have shown so far. */
interface Findings {
  /** What may be a stranger's, by ref. */
  readonly doubtful: Map<string, string>;
  /** What was. */
  readonly kept: Set<string>;
  readonly moved: Set<string>;
}

/**
 * Makes a follower's published refs what the group's state says: exactly these, deletions too.
 * @throws GamError `member-unreachable`, `member-refused`; `replica-behind` where this member has not all of it yet
 */
export async function sendTo(replica: Replica, member: Member, sending: Sending): Promise<Sent> {
  const findings: Findings = { doubtful: new Map(), kept: new Set(), moved: new Set() };
  const { signal } = replica.run;
  for (let look = 1; look <= LOOKS; look += 1) {
    const came = await sendOnce(replica, member, sending, findings);
    if (came === 'done') return { moved: [...findings.moved], kept: [...findings.kept] };
    if (came === 'doubt') await pause(DOUBT_MS, undefined, signal === undefined ? {} : { signal });
  }
  throw new GamError('member-refused', `${member.id} was written to by others again and again`);
}

async function valuesOf(line: MemberLine, { id }: Member, group: Group) {
  const told = await line.ask({ kind: 'list', prefixes: [...group.publish, GROUP_REF, DIVERGED_REFS] });
  if (told.kind !== 'refs') throw new GamError('member-refused', `${id} does not tell its refs`);
  const all = [...told.refs].map(([ref, { oid }]) => [ref, oid] as const);
  const isAside = ([ref]: readonly [string, string]) => ref.startsWith(DIVERGED_REFS);
  return { there: new Map(all.filter((one) => !isAside(one))), aside: new Map(all.filter(isAside)) };
}

/** @returns `stale` where another one has moved the follower meanwhile; `doubt` where something is left alone for a while */
async function sendOnce(
  replica: Replica,
  member: Member,
  sending: Sending,
  { doubtful, kept, moved }: Findings,
): Promise<'done' | 'stale' | 'doubt'> {
  const { group, run } = replica;
  const line = replica.line(member);
  const { there, aside } = await valuesOf(line, member, group);
  // In this order: whatever the group gave the follower before it was asked, the state has, or something newer.
  const state = await sending.state();
  const meant = [...state].filter(([ref]) => ref === GROUP_REF || isPublished(group, ref));
  const differ = meant.filter(([ref, oid]) => there.get(ref) !== oid).map(([, oid]) => oid);
  const missing = new Set(await missingObjects(differ, run));
  // What this member lacks itself stays at the follower as it is, until this one has caught up.
  const wanted = new Map(
    meant.flatMap(([ref, oid]) => {
      const to = missing.has(oid) ? there.get(ref) : oid;
      return to === undefined ? [] : [[ref, to] as const];
    }),
  );
  const strangers = await strange(replica, there, wanted, sending.replaced());
  const doubts = new Map([...strangers].filter(([ref, oid]) => doubtful.get(ref) !== oid));
  for (const [ref, oid] of doubts) {
    doubtful.set(ref, oid);
    wanted.set(ref, oid);
  }
  const { swaps, kept: keeping } = convergence(there, wanted, (_, ref) => !strangers.has(ref));
  const isAside = ({ ref }: RefSwap) => ref.startsWith(DIVERGED_REFS);
  const first = swaps.filter((swap) => isAside(swap) && !aside.has(swap.ref));
  const moves = swaps.filter((swap) => !isAside(swap));
  // By itself: nothing is overwritten that is not kept.
  if (first.length > 0 && (await line.ask({ kind: 'swap', swaps: first })).kind !== 'done') return 'stale';
  for (const ref of keeping) kept.add(ref);
  const failed = await swapThere(line, inOrder(moves));
  if (failed === 'stale') return 'stale';
  for (const { ref } of moves) if (isPublished(group, ref)) moved.add(ref);
  const [one] = failed;
  if (one !== undefined)
    throw new GamError(
      'member-refused',
      `${member.id} could not move ${failed.length} of ${moves.length} refs, such as ${one.ref}: ${one.words}`,
    );
  if (missing.size > 0)
    throw new GamError(
      'replica-behind',
      `${missing.size} objects are sent to ${member.id} when they are here`,
    );
  return doubts.size > 0 ? 'doubt' : 'done';
}

/** What stands at a follower, would be lost, and was not put there by a push that is known here. */
async function strange(
  { run }: Replica,
  there: RefValues,
  wanted: RefValues,
  replaced: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const old = [...there].filter(
    ([ref, oid]) => ref !== GROUP_REF && wanted.get(ref) !== oid && !replaced.has(replacedKey(oid, ref)),
  );
  const ids = old.map(([, oid]) => oid);
  // A tip that is not here excludes nothing (git-rev-list(1), --ignore-missing).
  const lost = await unreached(ids, [...wanted.values()], run);
  return new Map(old.filter(([, oid]) => lost.has(oid)));
}
