import { resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { runGit } from './run.ts';

/** The repository that git is fetching into. */
export interface Repository {
  gitDir: string;
  /** Its object directory, which linked worktrees share. */
  objects: string;
  /** An environment in which every git command works on it, wherever it is started. */
  env: Environment;
}

/**
 * Finds the repository that GIT_DIR names, as git sets it for a helper.
 * @returns null outside a repository, as for `git ls-remote <url>`
 */
export async function findRepository(env: Environment, cwd: string): Promise<Repository | null> {
  const named = env['GIT_DIR'];
  if (named === undefined) return null;
  const found = await runGit(['rev-parse', '--git-path', 'objects'], { env, cwd });
  if (found.status !== 0) return null;
  const gitDir = resolve(cwd, named);
  return { gitDir, objects: resolve(cwd, found.stdout.trimEnd()), env: { ...env, GIT_DIR: gitDir } };
}
