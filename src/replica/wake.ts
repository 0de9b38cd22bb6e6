import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive } from '../git/alive.ts';
import { cutOff } from './begun.ts';
import { type Places, placesOf } from './places.ts';
import { queuedNotes } from './queue.ts';

/** Notes that a member is to catch up with its group; its worker does it (worker.ts). */
export function wakeHere(gitDir: string): void {
  const { wake } = placesOf(gitDir);
  mkdirSync(dirname(wake), { recursive: true });
  writeFileSync(wake, '');
}

/**
 * Takes the note that a member is to catch up. Until it has done so another note stands for it: a worker that is killed
 * meanwhile does not forget it.
 * @returns says that it is done; null where there is no note
 */
export function takeWake({ wake, waking }: Places): (() => void) | null {
  if (!existsSync(wake) && !existsSync(waking)) return null;
  // Another note may come while it catches up, and is for the next time.
  if (existsSync(wake)) renameSync(wake, waking);
  return () => rmSync(waking, { force: true });
}

/** What is noted for this member itself: that it is to catch up, that it is at it, and pushes whose processes have ended in the middle. */
export function ownNotes({ wake, waking, begun }: Places): string[] {
  const notes = [wake, waking].filter((file) => existsSync(file));
  return [...notes, ...cutOff(begun).map(({ transaction }) => transaction)];
}

/** Whether something is left to be done behind pushes. */
export function hasWork(places: Places): boolean {
  return ownNotes(places).length > 0 || queuedNotes(places.queue).size > 0;
}

function isAtWork({ workerLock }: Places): boolean {
  try {
    return isAlive(readFileSync(workerLock, 'utf8')) === true;
  } catch {
    return false;
  }
}

/**
 * Whether a worker is to be started. One that is at work looks again before it ends, and so finds what was noted before this is asked: a
 * member that is down for a day would else have each push, and each question of another member, start a process that only finds that out.
 */
export function needsWorker(places: Places): boolean {
  return hasWork(places) && !isAtWork(places);
}
