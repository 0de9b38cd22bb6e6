import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processesAtWork } from './at-work.ts';
import { type RunOptions, runGit } from './run.ts';
import type { WorkTree } from './work-tree.ts';

/** git clone writes its configuration first, and holds no file open while it waits for the server's first words. */
const YOUNG_MS = 10_000;

/**
 * Whether a repository looks like one that git clone is still making: without a commit, an index and files, and young, or with a git at work in it. Refs
 * that another one writes there meanwhile would end the clone with an error, and git clone removes all of it then.
 */
export async function isBeingCloned({ gitDir, top }: WorkTree, run: RunOptions): Promise<boolean> {
  const isEmpty = top === null || readdirSync(top).every((name) => name === '.git');
  if (!isEmpty || existsSync(join(gitDir, 'index'))) return false;
  if ((await runGit(['rev-parse', '--verify', '--quiet', 'HEAD'], run)).status === 0) return false;
  const config = statSync(join(gitDir, 'config'), { throwIfNoEntry: false });
  if (config !== undefined && Math.abs(Date.now() - config.mtimeMs) < YOUNG_MS) return true;
  const places = top === null ? [gitDir] : [gitDir, top];
  return places.some((place) => (processesAtWork(place)?.size ?? 0) > 0);
}
