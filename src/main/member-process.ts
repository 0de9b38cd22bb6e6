import { startProcess } from '../git/process.ts';
import type { HookProgram } from '../replica/hook-scripts.ts';
import type { Replica } from '../replica/replica.ts';
import { needsWorker } from '../replica/wake.ts';

/**
 * Starts a worker behind this process, where there is something for it to do. It is in a session of its own, with nothing of
 * whoever pushed: git waits for all that hold its standard error.
 */
export function startWorker(
  { gitDir, places, run }: Pick<Replica, 'gitDir' | 'places' | 'run'>,
  { node, program }: Pick<HookProgram, 'node' | 'program'>,
): void {
  if (!needsWorker(places)) return;
  const { child } = startProcess(node, [program, 'work'], {
    cwd: gitDir,
    env: { ...run.env, GIT_DIR: gitDir },
    stdio: 'ignore',
    detached: true,
  });
  child.unref();
}

/** One push in so many has the repository tidied up behind it. */
const TIDY = 20;

/** Has git tidy the repository up, if it finds that it should (git-gc(1), --auto), now and then. */
export function tidyUp({ gitDir, run }: Replica, chance: number): void {
  if (chance * TIDY >= 1) return;
  const { child } = startProcess('git', ['gc', '--auto', '--quiet'], {
    cwd: gitDir,
    env: { ...run.env, GIT_DIR: gitDir },
    stdio: 'ignore',
    detached: true,
  });
  child.unref();
}
