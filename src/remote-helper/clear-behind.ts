import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from '../git/alive.ts';
import { clearRemovedClone } from '../git/removed-clone.ts';
import type { HelperProcess } from './context.ts';

/** How long an interrupted git may take to remove a clone; where only this process was told, git waits for it. */
const REMOVAL_MS = 500;

/** Waits until an interrupted git has ended. */
export async function untilGone(git: string | null): Promise<void> {
  if (git === null) return;
  for (const end = Date.now() + REMOVAL_MS; Date.now() < end && isAlive(git) !== false; ) await pause(20);
}

/** Clears what was put into a clone's folder while git removed it. */
export async function clearBehind({ env, cwd }: HelperProcess, packs: readonly string[]): Promise<void> {
  const named = env['GIT_DIR'];
  if (named === undefined) return;
  const gitDir = resolve(cwd, named);
  await clearRemovedClone({ gitDir, objects: join(gitDir, 'objects') }, packs).catch(() => undefined);
}
