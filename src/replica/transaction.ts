import { randomBytes } from 'node:crypto';
import { GamError } from '../errors.ts';
import { Unsent } from '../git/push-request.ts';
import { refsLocked } from '../git/stale-ref-locks.ts';
import { type PreparedSwap, prepareSwap, storedRefs } from '../git/swap-refs.ts';
import { timeLimit } from '../git/time-limit.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { RefReport } from '../protocol/proc-receive-report.ts';
import { begin } from './begun.ts';
import type { Coordinator, HeldLock, Lease } from './coordinator.ts';
import { isPrimary, type Member, quorum } from './group.ts';
import { offer, withdrawal } from './offer.ts';
import { isUncertain } from './refs-arbiter.ts';
import type { Replica } from './replica.ts';
import { noteForOthers, spread, withdraw } from './spread.ts';
import { wakeHere } from './wake.ts';

/** How a push is done. */
export interface TransactionOptions {
  /** All refs or none. */
  atomic: boolean;
  /** Told, in one line each, of what happens. */
  tell: (line: string) => void;
  signal: AbortSignal;
}

/** The reasons that refs are refused for, by name. */
type Refusals = Map<string, string>;

const sentence = ({ message, suggestion }: GamError) =>
  suggestion === undefined ? message : `${message}; ${suggestion}`;

/** An error of gam's, as a pusher reads it. */
export function reasonOf(error: unknown): string {
  return `gam: ${error instanceof GamError ? sentence(error) : (error as Error).message}`;
}

/** Tells of a lock that is waited for: at once, and when it is another's, or so many seconds later. */
const AGAIN_MS = 5000;

function teller(tell: (line: string) => void): (held: HeldLock) => void {
  let [last, at] = ['', -Infinity];
  const since = new Map<string, number>();
  return ({ ref, holder, transaction }) => {
    const now = performance.now();
    const key = `${ref} ${transaction}`;
    if (!since.has(key)) since.set(key, now);
    if (key === last && now - at < AGAIN_MS) return;
    [last, at] = [key, now];
    const seconds = Math.round((now - (since.get(key) ?? now)) / 1000);
    tell(`waiting for lock on ${ref}, held by ${holder} since ${seconds} s`);
  };
}

async function takeLocks(
  replica: Replica,
  coordinator: Coordinator,
  transaction: string,
  refs: readonly string[],
  { tell, signal }: TransactionOptions,
): Promise<Lease> {
  const limit = timeLimit(replica.bounds.lockMs, signal);
  return coordinator.lock(refs, {
    holder: replica.self.id,
    transaction,
    signal: limit,
    waiting: teller(tell),
  });
}

/** Which of the updates do not start from what is here. */
async function movedHere(replica: Replica, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const refs = await storedRefs(
    updates.map(({ ref }) => ref),
    replica.run,
  );
  return updates.filter(({ ref, old }) => (refs.get(ref)?.oid ?? null) !== old);
}

/** Prepares as many as can be: all, or, where some are not what they must be, those that are. */
async function prepareMost(
  replica: Replica,
  updates: readonly RefUpdate[],
  atomic: boolean,
  refusals: Refusals,
): Promise<{ prepared: PreparedSwap; updates: readonly RefUpdate[] } | null> {
  let left = updates;
  while (left.length > 0) {
    const prepared = await prepareSwap(left, replica.run);
    if (typeof prepared !== 'string') return { prepared, updates: left };
    const moved = await movedHere(replica, left);
    if (moved.length === 0 && refsLocked(replica.gitDir, left)) wakeHere(replica.gitDir);
    const isOne = left.length === 1 || atomic || moved.length === left.length;
    // Beside refs that moved there are those that cannot be written, such as a branch named as a folder of others.
    const bad = isOne ? left : moved.length > 0 ? moved : await unwritable(replica, left);
    for (const { ref } of bad) refusals.set(ref, `gam: ${prepared}`);
    left = left.filter((update) => !bad.includes(update));
    if (bad.length === 0) return null;
  }
  return null;
}

async function unwritable(replica: Replica, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const bad: RefUpdate[] = [];
  for (const update of updates) {
    const alone = await prepareSwap([update], replica.run);
    if (typeof alone === 'string') bad.push(update);
    else await alone.abort();
  }
  // Each can be written, but not all of them together.
  return bad.length > 0 ? bad : updates.slice(1);
}

/** Which of the updates do not start from the group's state; this member is behind with these. */
async function behind(coordinator: Coordinator, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const state = await coordinator.state();
  return updates.filter(({ ref, old }) => (state.get(ref) ?? null) !== old);
}

/** A push at its commit point. */
interface Committing {
  replica: Replica;
  transaction: string;
  /** The members that have the objects. */
  taken: readonly Member[];
  coordinator: Coordinator;
  lease: Lease;
  refusals: Refusals;
  options: TransactionOptions;
}

/** What a commit has moved. */
interface Moved {
  done: readonly RefUpdate[];
  /** The members that have it, beside this one. */
  at: readonly Member[];
}

// The group has it from here on, whatever happens to this member.
async function moveHere(
  { gitDir, self }: Replica,
  prepared: PreparedSwap,
  tell: TransactionOptions['tell'],
): Promise<void> {
  await prepared.commit().catch((error: Error) => {
    wakeHere(gitDir);
    tell(`the group has it, and ${self.id} follows: ${error.message}`);
  });
}

/**
 * The member that takes the objects of a push, changes the state and moves its own refs in one request: the arbiter, if that is another
 * primary, and both are a quorum.
 */
function bySelf({ group, self }: Replica, { commitAtOnce }: Coordinator): Member | null {
  const arbiter = group.members.find(({ id }) => id === group.arbiter);
  if (commitAtOnce === undefined || arbiter === undefined || !isPrimary(arbiter)) return null;
  return arbiter.id === self.id || quorum(group) > 2 ? null : arbiter;
}

/**
 * Tries to have all refs moved here, in the state and at the arbiter, in one request and without waiting for anybody.
 * @returns null where it was not done: to be done step by step
 * @throws GamError `outcome-unknown`; anything else when nothing has moved
 */
async function commitAtOnce(
  { replica, transaction, coordinator, options }: Omit<Committing, 'lease' | 'refusals' | 'taken'>,
  arbiter: Member,
  updates: readonly RefUpdate[],
): Promise<Moved | null> {
  const prepared = await prepareSwap(updates, replica.run);
  if (typeof prepared === 'string') return null;
  let isAlong: boolean | null | undefined;
  try {
    isAlong = await coordinator.commitAtOnce?.({
      holder: replica.self.id,
      transaction,
      changes: updates,
      along: { member: arbiter.id, swaps: updates },
      objects: updates.flatMap(({ new: to }) => to ?? []),
    });
  } catch (error) {
    await prepared.abort();
    throw isUncertain(error) && !(error instanceof Unsent) ? unknown(error as Error) : error;
  }
  if (isAlong === null || isAlong === undefined) {
    await prepared.abort();
    return null;
  }
  await moveHere(replica, prepared, options.tell);
  return { done: updates, at: isAlong ? [arbiter] : [] };
}

/**
 * Has refs here and in the state moved: all that can be together.
 * @throws GamError `outcome-unknown`; anything else when nothing has moved
 */
async function commitMost(
  { replica, transaction, taken, coordinator, lease, refusals, options: { atomic, tell } }: Committing,
  updates: readonly RefUpdate[],
): Promise<Moved> {
  const arbiter = taken.find(({ id }) => id === replica.group.arbiter);
  let left = updates;
  for (;;) {
    const most = await prepareMost(replica, left, atomic, refusals);
    if (most === null) return { done: [], at: [] };
    left = most.updates;
    let isAlong: boolean;
    try {
      const swaps = [...left, ...withdrawal(transaction, left)];
      isAlong = await lease.commit(left, arbiter && { member: arbiter.id, swaps });
    } catch (error) {
      await most.prepared.abort();
      if (!(error instanceof GamError) || isUncertain(error)) throw unknown(error as Error);
      if (error.code !== 'replica-behind') throw error;
      wakeHere(replica.gitDir);
      const late = await behind(coordinator, left);
      const bad = atomic || late.length === 0 ? left : late;
      const isAlone = (ref: string) => late.some((update) => update.ref === ref);
      for (const { ref } of bad)
        refusals.set(ref, isAlone(ref) ? reasonOf(error) : 'gam: refused with the others of an atomic push');
      left = left.filter((update) => !bad.includes(update));
      if (left.length === 0) return { done: [], at: [] };
      continue;
    }
    await moveHere(replica, most.prepared, tell);
    return { done: left, at: arbiter !== undefined && isAlong ? [arbiter] : [] };
  }
}

/** What is said of a commit of which nobody knows whether it was done. */
function unknown(error: Error): GamError {
  return new GamError('outcome-unknown', `nobody knows whether the group has it: ${error.message}`, {
    suggestion: 'fetch, and push again',
    cause: error,
  });
}

/**
 * Does a push on all primaries, or on none: the five steps of ARCHITECTURE.md, "One push".
 * @returns what became of each ref
 */
export async function replicate(
  replica: Replica,
  updates: readonly RefUpdate[],
  options: TransactionOptions,
): Promise<RefReport[]> {
  const transaction = `${replica.self.id}-${randomBytes(8).toString('hex')}`;
  const refusals: Refusals = new Map();
  const coordinator = await replica.openCoordinator();
  const refs = updates.map(({ ref }) => ref);
  const end = begin(replica.places.begun, transaction, refs);
  let lease: Lease | null = null;
  const arbiter = bySelf(replica, coordinator);
  const sending = offer(replica, transaction, updates, arbiter);
  const committing = { replica, transaction, coordinator, options };
  try {
    let moved = arbiter === null ? null : await commitAtOnce(committing, arbiter, updates);
    const isAtOnce = moved !== null;
    if (moved === null) {
      sending.toAll();
      lease = await takeLocks(replica, coordinator, transaction, refs, options);
      await sending.quorum();
      moved = await commitMost({ ...committing, taken: sending.soFar(), lease, refusals }, updates);
    }
    const { done, at } = moved;
    const taken = [...(await sending.taken()), ...(isAtOnce && arbiter !== null ? [arbiter] : [])];
    if (done.length > 0) await spread(replica, { taken, at, transaction, done, lease, tell: options.tell });
    const left = updates.filter(({ ref }) => refusals.has(ref));
    if (left.length > 0) await withdraw(replica, taken, transaction, left);
  } catch (error) {
    const left = updates.filter(({ ref }) => !refusals.has(ref));
    for (const { ref } of left) refusals.set(ref, reasonOf(error));
    if (error instanceof GamError && error.code === 'outcome-unknown') {
      // All members look at it, and what it brought stays where it is until they have.
      noteForOthers(replica, transaction, left);
      wakeHere(replica.gitDir);
    } else await withdraw(replica, sending.soFar(), transaction, updates);
  } finally {
    await lease?.release();
    await coordinator.close();
    end();
  }
  return updates.map(({ ref }) => ({ ref, refused: refusals.get(ref) ?? null }));
}
