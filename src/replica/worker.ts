import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import { processName } from '../git/alive.ts';
import { takeOwnedLock } from '../git/owned-lock.ts';
import { catchUpHere, deliver } from './deliver.ts';
import { clearFailure, noteFailure } from './failures.ts';
import { writeLog } from './log.ts';
import { type Places, placesOf } from './places.ts';
import { coalesce, queuedFor, queuedNotes } from './queue.ts';
import type { Replica } from './replica.ts';
import { Retries } from './retries.ts';
import { hasWork, ownNotes, takeWake } from './wake.ts';

/** How a worker works. */
export interface WorkOptions {
  /** The git directory, absolute. */
  gitDir: string;
  /** Opens the member anew: what the group is may change at any moment. Null once it is none any more. */
  open: () => Promise<Replica | null>;
  /** Told of what was done, and of what went wrong, in one line each; the member's log has them, too. */
  tell: (line: string) => void;
  signal: AbortSignal;
  pid: number;
  /**
   * `retry`: until nothing is left to do. `once`: all is tried once. `stay`: as `retry`, and when nothing is left it waits for more.
   */
  mode: 'retry' | 'once' | 'stay';
}

/** How a worker ended: nothing is left, something could not be done, or another worker is at work. */
export type Worked = 'done' | 'failed' | 'busy';

/** How often is looked for new notes. A look reads two small folders, on any file system. */
const LOOK_MS = 250;

/** Stands for this member itself, which no member is called. */
const HERE = '.';

/** What is noted, by member. */
function notes(places: Places): Map<string, readonly string[]> {
  const here = ownNotes(places);
  const others = queuedNotes(places.queue);
  return new Map(here.length > 0 ? [[HERE, here], ...others] : others);
}

async function doJob(
  job: string,
  { gitDir, open, tell: show }: WorkOptions,
  retries: Retries,
): Promise<void> {
  const places = placesOf(gitDir);
  const tell = (line: string) => {
    writeLog(places, line);
    show(line);
  };
  const entry = job === HERE ? null : queuedFor(places.queue, job);
  const caughtUp = job === HERE ? takeWake(places) : null;
  const tried = entry?.files ?? ownNotes(places).filter((note) => note !== places.wake);
  let name = job;
  try {
    const replica = await open();
    if (replica === null) throw new GamError('not-a-member', 'this repository is in no group any more');
    if (job === HERE) name = replica.self.id;
    if (job === HERE) await catchUpHere(replica, caughtUp, tell);
    else if (entry !== null) await deliver(replica, entry, tell);
    retries.done(job);
    clearFailure(places, name);
  } catch (error) {
    const { message } = error as Error;
    retries.failed(job, tried);
    // Whoever removes the repository, or leaves the group, has the worker end.
    if (!existsSync(places.folder)) return;
    if (entry !== null) retries.know(job, coalesce(places.queue, entry));
    noteFailure(places, name, message);
    tell(`${job === HERE ? 'catching up' : `sending to ${job}`}: ${message}`);
  }
}

/** Does what is noted, each member by itself: one that is silent for ten seconds holds up no other. */
async function atWork(options: WorkOptions): Promise<void> {
  const { gitDir, signal, mode, tell } = options;
  const places = placesOf(gitDir);
  const retries = new Retries(mode !== 'once');
  const running = new Map<string, Promise<void>>();
  while (!signal.aborted && existsSync(places.folder)) {
    const noted = notes(places);
    for (const [job, names] of noted) {
      if (running.has(job) || !retries.isDue(job, names)) continue;
      // What this member has caught up with can be sent in the same go.
      if (mode === 'once' && running.has(HERE)) continue;
      const done = doJob(job, options, retries).catch((error: Error) => tell(error.message));
      running.set(
        job,
        done.finally(() => running.delete(job)),
      );
    }
    if (running.size === 0 && mode !== 'stay' && (mode === 'once' || noted.size === 0)) break;
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  await Promise.allSettled(running.values());
}

/**
 * Does what is to be done behind pushes: catches up with the group, and sends to members what they have not. Only one
 * worker of a repository is at work; what it cannot do it tries again for as long as it takes.
 */
export async function work(options: WorkOptions): Promise<Worked> {
  const { gitDir, signal, pid, mode } = options;
  const places = placesOf(gitDir);
  const { folder, workerLock } = places;
  const isWanted = () => existsSync(folder) && (mode === 'stay' || hasWork(places));
  while (!signal.aborted && isWanted()) {
    const lock = await takeOwnedLock(workerLock, processName(pid), AbortSignal.abort());
    // Another is at work, and looks again before it ends.
    if (lock === null) return 'busy';
    try {
      await atWork(options);
    } finally {
      await lock.release();
    }
    if (mode === 'once') break;
  }
  return hasWork(places) ? 'failed' : 'done';
}
