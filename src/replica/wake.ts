import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Places, placesOf } from './places.ts';

const taken = ({ wake }: Places) => `${wake}.taken`;

/** Notes that a member is to catch up with its group; its worker does it (worker.ts). */
export function wakeHere(gitDir: string): void {
  const { wake } = placesOf(gitDir);
  mkdirSync(dirname(wake), { recursive: true });
  writeFileSync(wake, '');
}

/** What is noted of it: `wake`, and `taken` while somebody is at it, or was when he was killed. */
export function wakeNotes(places: Places): string[] {
  const isNoted = existsSync(places.wake) ? ['wake'] : [];
  return existsSync(taken(places)) ? [...isNoted, 'taken'] : isNoted;
}

/** Begins to catch up: what is noted from now on is for another time, and what was noted before stays until wakeDone(). */
export function takeWake(places: Places): void {
  if (existsSync(places.wake)) renameSync(places.wake, taken(places));
}

/** The member has caught up. */
export function wakeDone(places: Places): void {
  rmSync(taken(places), { force: true });
}
