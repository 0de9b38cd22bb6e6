import { startProcess } from '../git/process.ts';
import type { HookProgram } from '../replica/hook-scripts.ts';
import type { Replica } from '../replica/replica.ts';
import { hasWork } from '../replica/wake.ts';

/**
 * Starts a worker behind this process, where there is something for it to do. It is in a session of its own, with nothing of
 * whoever pushed: git waits for all that hold its standard error.
 */
export function startWorker(
  { gitDir, places, run }: Replica,
  { node, program }: Pick<HookProgram, 'node' | 'program'>,
): void {
  if (!hasWork(places)) return;
  const { child } = startProcess(node, [program, 'work'], {
    cwd: gitDir,
    env: { ...run.env, GIT_DIR: gitDir },
    stdio: 'ignore',
    detached: true,
  });
  child.unref();
}
