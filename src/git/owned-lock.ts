import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from './alive.ts';

/** How often a lock that somebody holds is looked at again, in milliseconds. */
const STEP_MS = 50;

/** How often its owner shows that he is there, and after how long without that he is not, where nothing else tells. */
const BEAT_MS = 5000;
const SILENT_MS = 30_000;

/** A lock that is held. */
export interface OwnedLock {
  /** Whether it was another's, who has ended without giving it back. */
  readonly inherited: boolean;
  /** Gives it back. */
  release(): Promise<void>;
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

// Two of one process may want the same lock.
let drafts = 0;

// A file that appears with its content, so that nobody finds a lock without an owner.
async function take(file: string, owner: string): Promise<boolean> {
  drafts += 1;
  const draft = `${file}.${owner}.${drafts}`;
  try {
    await writeFile(draft, owner);
    await link(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function isDead(file: string, owner: string): Promise<boolean> {
  const alive = isAlive(owner);
  if (alive !== null) return !alive;
  // Of another machine, or of a container that had another name.
  const found = await stat(file).catch(() => null);
  return found !== null && Math.abs(Date.now() - found.mtimeMs) > SILENT_MS;
}

// Moved away before it is removed, and put back if it turns out to be another's: of two that find the same dead owner, the
// slower one must not take the lock from the quicker one.
async function breakDead(file: string, mine: string): Promise<boolean> {
  const owner = await readFile(file, 'utf8').catch(() => null);
  if (owner === null || !(await isDead(file, owner))) return false;
  const aside = `${file}.${mine}.dead`;
  try {
    await rename(file, aside);
  } catch {
    return false;
  }
  const moved = await readFile(aside, 'utf8').catch(() => owner);
  if (moved !== owner) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
  return moved === owner;
}

/**
 * Waits for a lock that processes hold for as long as they live, such as for a fetch that takes an hour. One whose owner has
 * ended is taken over.
 *
 * @param file the lock; its folder must be there
 * @param owner a name of this process (processName())
 * @param signal gives up waiting; aborted from the start: a lock that is held is not waited for
 * @returns null when it could not be had
 * @throws Error of the file system
 */
export async function takeOwnedLock(
  file: string,
  owner: string,
  signal: AbortSignal,
): Promise<OwnedLock | null> {
  let inherited = false;
  while (!(await take(file, owner))) {
    if (await breakDead(file, owner)) inherited = true;
    else if (signal.aborted) return null;
    else await pause(STEP_MS);
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, BEAT_MS);
  return {
    inherited,
    release: async () => {
      clearInterval(beat);
      await rm(file, { force: true });
    },
  };
}
