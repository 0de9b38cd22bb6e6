import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import { isAlive } from '../git/alive.ts';
import type { Environment } from '../git/environment.ts';
import { startProcess } from '../git/process.ts';
import { timeLimit } from '../git/time-limit.ts';
import type { WatchPlaces } from '../sync/places.ts';
import { readWatchStatus, type WatchStatus } from '../sync/status-file.ts';

/** It starts, or ends, within this time even on a busy machine. */
const PATIENCE_MS = 30_000;
const STEP_MS = 50;

/**
 * Starts the process that watches, in a session of its own.
 *
 * @param program node, and gam's own file
 * @returns null where one is at work already
 * @throws GamError `watch-running` where it does not begin
 */
export async function startWatching(
  [node, gam]: readonly [string, string],
  places: WatchPlaces,
  env: Environment,
): Promise<WatchStatus | null> {
  if ((await readWatchStatus(places)) !== null) return null;
  await mkdir(places.folder, { recursive: true });
  const said = join(places.folder, 'started');
  const errors = openSync(said, 'w', 0o600);
  const { child, exit } = startProcess(node, [gam, 'watch', 'run', '--quiet'], {
    cwd: '/',
    env,
    stdio: ['ignore', 'ignore', errors],
    detached: true,
  });
  closeSync(errors);
  child.unref();
  const over = timeLimit(PATIENCE_MS);
  const ended = exit.then(() => null);
  while (!over.aborted) {
    const status = await readWatchStatus(places);
    if (status !== null) return status;
    if ((await Promise.race([ended, pause(STEP_MS, over)])) === null) break;
  }
  const [words = ''] = readFileSync(said, 'utf8').split('\n');
  throw new GamError(
    'watch-running',
    `gam watch did not begin: ${words.replace(/^gam: /, '') || 'it says nothing'}`,
    {
      suggestion: 'gam watch run tells more',
    },
  );
}

/**
 * Ends the process that watches, and waits for that.
 * @returns its number; null where there was none
 * @throws GamError `watch-running` where it does not end
 */
export async function stopWatching(places: WatchPlaces): Promise<number | null> {
  const status = await readWatchStatus(places);
  if (status === null) return null;
  const { pid } = status;
  process.kill(pid, 'SIGTERM');
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    if (isAlive(status.process) !== true) return pid;
    await pause(STEP_MS);
  }
  throw new GamError('watch-running', `the process ${pid} does not end`, { suggestion: `kill -9 ${pid}` });
}
