import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { processName } from '../git/alive.ts';
import { takeOwnedLock } from '../git/owned-lock.ts';
import { catchUp } from './catch-up.ts';
import { sendTo } from './follow.ts';
import { isPrimary } from './group.ts';
import { dequeue, type Queued, queued } from './queue.ts';
import type { Replica } from './replica.ts';
import { wakeHere } from './wake.ts';

/** How a worker works. */
export interface WorkOptions {
  /** Opens the member anew: what the group is may change at any moment. Null once it is none any more. */
  open: () => Promise<Replica | null>;
  /** Told of what was done, and of what went wrong, in one line each. */
  tell: (line: string) => void;
  signal: AbortSignal;
  pid: number;
}

/** Pauses after failures grow to this. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 300_000;

async function deliver(replica: Replica, entry: Queued, tell: (line: string) => void): Promise<void> {
  const member = replica.group.members.find(({ id }) => id === entry.member);
  // Who has left the group is sent nothing.
  if (member === undefined) return dequeue(entry);
  if (isPrimary(member)) await replica.line(member).ask({ kind: 'wake' });
  else {
    const coordinator = await replica.openCoordinator();
    try {
      const { moved, kept } = await sendTo(replica, member, await coordinator.state());
      if (moved.length > 0) tell(`${member.id} follows: ${moved.length} refs`);
      for (const ref of kept)
        tell(`${member.id} was written to at ${ref}: kept there under refs/gam/diverged/`);
    } finally {
      await coordinator.close();
    }
  }
  dequeue(entry);
}

/** Does what there is to do; returns whether all of it was done. */
async function turn(replica: Replica, tell: (line: string) => void): Promise<boolean> {
  let done = true;
  const attempt = async (what: string, work: () => Promise<void>) =>
    work().catch((error: Error) => {
      done = false;
      tell(`${what}: ${error.message}`);
    });
  if (existsSync(replica.places.wake)) {
    rmSync(replica.places.wake, { force: true });
    await attempt('catching up', async () => {
      const { moved, kept } = await catchUp(replica).catch((error: unknown) => {
        wakeHere(replica.gitDir);
        throw error;
      });
      if (moved.length > 0) tell(`caught up: ${moved.length} refs`);
      for (const ref of kept) tell(`${ref} was not what the group has: kept under refs/gam/diverged/`);
    });
  }
  await Promise.all(
    queued(replica.places.queue).map((entry) =>
      attempt(`sending to ${entry.member}`, () => deliver(replica, entry, tell)),
    ),
  );
  return done;
}

function hasWork({ places }: Replica): boolean {
  return existsSync(places.wake) || queued(places.queue).length > 0;
}

/**
 * Does what is to be done behind pushes: catches up with the group, and sends to members what they have not. Only one
 * worker of a repository is at work; it ends when nothing is left, and tries again for as long as something is.
 */
export async function work({ open, tell, signal, pid }: WorkOptions): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let replica = await open(); replica !== null && hasWork(replica); replica = await open()) {
    if (signal.aborted) return;
    mkdirSync(replica.places.folder, { recursive: true });
    const lock = await takeOwnedLock(replica.places.workerLock, processName(pid), AbortSignal.abort());
    // Another is at work, and looks again before it ends.
    if (lock === null) return;
    try {
      for (
        let now: Replica | null = replica;
        now !== null && hasWork(now) && !signal.aborted;
        now = await open()
      ) {
        const done = await turn(now, tell);
        if (done) {
          pauseMs = FIRST_PAUSE_MS;
          continue;
        }
        await pause(pauseMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    } finally {
      await lock.release();
    }
  }
}
