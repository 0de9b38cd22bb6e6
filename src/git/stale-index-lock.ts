import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processesAtWork } from './at-work.ts';
import type { WorkTree } from './work-tree.ts';

/** Younger ones are of somebody who is at work, or has just been. */
const LEAST_AGE_MS = 10_000;
/** Where the system does not tell who is at work, only what is as old as this is taken for left behind. */
const FORGOTTEN_MS = 3_600_000;

/**
 * Removes an index.lock that a killed git has left, which would block every commit for ever (gitrepository-layout(5)). One is left
 * where it is some seconds old, and no git is at work in the repository or its files.
 * @returns whether it was removed
 */
export function clearIndexLock({ gitDir, top }: WorkTree): boolean {
  const file = join(gitDir, 'index.lock');
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const places = top === null ? [gitDir] : [gitDir, top];
  const atWork = places.map(processesAtWork);
  const least = atWork.includes(null) ? FORGOTTEN_MS : LEAST_AGE_MS;
  // A clock that was set back makes a file one of the future.
  const isOld = Math.abs(Date.now() - found.mtimeMs) >= least;
  if (!isOld || atWork.some((names) => names !== null && names.size > 0)) return false;
  if (statSync(file, { throwIfNoEntry: false })?.ino !== found.ino) return false;
  rmSync(file, { force: true });
  return true;
}
