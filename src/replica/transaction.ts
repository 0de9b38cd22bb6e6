import { randomBytes } from 'node:crypto';
import { GamError } from '../errors.ts';
import { type PreparedSwap, prepareSwap, storedRefs } from '../git/swap-refs.ts';
import type { RefReport, RefUpdate } from '../protocol/proc-receive.ts';
import { adoptGroup } from './adopt-group.ts';
import type { Coordinator, HeldLock, Lease } from './coordinator.ts';
import { follows, isPrimary, type Member } from './group.ts';
import { incomingRef, offer } from './offer.ts';
import { enqueue, unqueue } from './queue.ts';
import type { Replica } from './replica.ts';
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
  const limit = AbortSignal.any([signal, AbortSignal.timeout(replica.bounds.lockMs)]);
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
    // The state may lie in this repository, too, and what is deleted here is deleted there before.
    const prepared = await prepareSwap(left, replica.run, true);
    if (typeof prepared !== 'string') return { prepared, updates: left };
    const moved = await movedHere(replica, left);
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

/** Has refs here and in the state moved: all that can be together. Returns those that did. */
async function commitMost(
  replica: Replica,
  coordinator: Coordinator,
  lease: Lease,
  updates: readonly RefUpdate[],
  atomic: boolean,
  refusals: Refusals,
): Promise<readonly RefUpdate[]> {
  let left = updates;
  for (;;) {
    const most = await prepareMost(replica, left, atomic, refusals);
    if (most === null) return [];
    left = most.updates;
    try {
      await lease.commit(left);
    } catch (error) {
      await most.prepared.abort();
      if (!(error instanceof GamError) || error.code !== 'replica-behind') throw error;
      wakeHere(replica.gitDir);
      const late = await behind(coordinator, left);
      const bad = atomic || late.length === 0 ? left : late;
      const isAlone = (ref: string) => late.some((update) => update.ref === ref);
      for (const { ref } of bad)
        refusals.set(ref, isAlone(ref) ? reasonOf(error) : 'gam: refused with the others of an atomic push');
      left = left.filter((update) => !bad.includes(update));
      if (left.length === 0) return [];
      continue;
    }
    // The group has it from here on, whatever happens to this member.
    await most.prepared.commit().catch((error: unknown) => {
      wakeHere(replica.gitDir);
      throw new GamError(
        'replica-behind',
        `the group has it, this member not yet: ${(error as Error).message}`,
        {
          suggestion: 'it catches up: fetch in a moment',
        },
      );
    });
    return left;
  }
}

async function moveOne(
  replica: Replica,
  member: Member,
  transaction: string,
  done: readonly RefUpdate[],
): Promise<boolean> {
  const waiting = done.flatMap(({ ref, new: to }) =>
    to === null ? [] : { ref: incomingRef(transaction, ref), old: to, new: null },
  );
  const answer = await replica.line(member).ask({ kind: 'swap', swaps: [...done, ...waiting] });
  if (answer.kind === 'stale') await replica.line(member).ask({ kind: 'wake' });
  return answer.kind === 'done';
}

/** Moves the other primaries that have the objects; the others, and followers, are left to the queue. */
async function moveOthers(
  replica: Replica,
  taken: readonly Member[],
  transaction: string,
  done: readonly RefUpdate[],
): Promise<number> {
  const others = replica.group.members.filter(({ id }) => id !== replica.self.id);
  const refs = done.map(({ ref }) => ref);
  // Noted before anything is tried: whoever kills this process does not keep it from them.
  for (const member of others)
    if (isPrimary(member) || follows(member)) enqueue(replica.places.queue, member.id, refs, transaction);
  const moved = await Promise.all(
    taken.map(async (member) => {
      const isMoved = await moveOne(replica, member, transaction, done).catch(() => false);
      if (isMoved) unqueue(replica.places.queue, member.id, transaction);
      return isMoved;
    }),
  );
  return moved.filter(Boolean).length;
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
  let lease: Lease | null = null;
  const sending = offer(replica, transaction, updates);
  try {
    lease = await takeLocks(replica, coordinator, transaction, refs, options);
    const taken = await sending.taken();
    const done = await commitMost(replica, coordinator, lease, updates, options.atomic, refusals);
    await adoptGroup(replica, done);
    if (done.length > 0) await spread(replica, { taken, transaction, done, lease, tell: options.tell });
    const left = updates.filter(({ ref }) => refusals.has(ref));
    if (left.length > 0) await withdraw(replica, taken, transaction, left);
  } catch (error) {
    for (const { ref } of updates) if (!refusals.has(ref)) refusals.set(ref, reasonOf(error));
    await withdraw(replica, sending.soFar(), transaction, updates);
  } finally {
    await lease?.release();
    await coordinator.close();
  }
  return updates.map(({ ref }) => ({ ref, refused: refusals.get(ref) ?? null }));
}

interface Spreading {
  taken: readonly Member[];
  transaction: string;
  done: readonly RefUpdate[];
  lease: Lease;
  tell: (line: string) => void;
}

// What the group has is acknowledged, whatever becomes of the rest.
async function spread(replica: Replica, { taken, transaction, done, lease, tell }: Spreading): Promise<void> {
  const others = replica.group.members.filter((one) => isPrimary(one) && one.id !== replica.self.id).length;
  try {
    const [moved] = await Promise.all([moveOthers(replica, taken, transaction, done), lease.release()]);
    const rest = moved < others ? ', the others follow' : '';
    if (others > 0) tell(`replicated to ${moved} of ${others}${rest}`);
  } catch (error) {
    tell(`the other members follow later: ${(error as Error).message}`);
  }
}

// What others keep of a push that came to nothing. What cannot be taken away now, they take away when they catch up.
async function withdraw(
  replica: Replica,
  members: readonly Member[],
  transaction: string,
  updates: readonly RefUpdate[],
): Promise<void> {
  const swaps = updates.flatMap(({ ref, new: to }) =>
    to === null ? [] : { ref: incomingRef(transaction, ref), old: to, new: null },
  );
  if (swaps.length === 0) return;
  await Promise.all(
    members.map((member) =>
      replica
        .line(member)
        .ask({ kind: 'swap', swaps })
        .catch(() => undefined),
    ),
  );
}
