import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** A lock that is older was left by a process that was killed: writing takes a few milliseconds. */
const STALE_MS = 10_000;

/** How often a lock that somebody holds is looked at again. */
const STEP_MS = 4;

function take(lock: string): number | null {
  try {
    // Nothing is followed, and nothing that stands there is written to.
    return openSync(lock, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  }
}

function inode(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

// Moved away first, and only then removed: of two that find the same stale lock, the slower one might
// otherwise remove the lock that the quicker one has taken since.
function breakStale(lock: string): void {
  const found = lstatSync(lock, { throwIfNoEntry: false });
  if (!found || Math.abs(Date.now() - found.mtimeMs) < STALE_MS) return;
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    // Somebody else was quicker, or it cannot be done; whoever waits for the lock will see.
  }
  rmSync(aside, { force: true });
}

/**
 * Replaces a small file as git does, by `<file>.lock` and rename, so that a reader sees the old or the new
 * content whole. `make` is called while the lock is held; what it returns is written at once.
 *
 * @param patience milliseconds that others' locks may cost
 * @returns false when the lock could not be had in that time; nothing was changed then
 * @throws Error of the file system
 */
export async function replaceLocked(file: string, patience: number, make: () => string): Promise<boolean> {
  const lock = `${file}.lock`;
  const end = performance.now() + patience;
  let fd = take(lock);
  while (fd === null) {
    if (performance.now() >= end) return false;
    breakStale(lock);
    fd = take(lock);
    if (fd === null) await pause(Math.max(1, Math.min(STEP_MS * Math.random() * 2, end - performance.now())));
  }
  const own = fstatSync(fd).ino;
  try {
    writeFileSync(fd, make());
    // Who was stopped for so long that others broke the lock must not put what they write in place.
    if (inode(lock) !== own) return false;
    renameSync(lock, file);
    return true;
  } catch (error) {
    if (inode(lock) === own) rmSync(lock, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}
