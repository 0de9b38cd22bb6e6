import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { Environment } from './environment.ts';

/** The repository that git is fetching into. */
export interface Repository {
  gitDir: string;
  /** What linked worktrees share: refs, configuration, and objects where nothing says otherwise. */
  commonDir: string;
  /** Its object directory. */
  objects: string;
  /** An environment in which every git command works on it, wherever it is started. */
  env: Environment;
}

/**
 * The folder that a repository's worktrees share (gitrepository-layout(5), "commondir"; git(1), GIT_COMMON_DIR);
 * relative where `gitDir` is.
 */
export function commonDirOf(gitDir: string, env: Environment): string {
  const given = env['GIT_COMMON_DIR'];
  if (given !== undefined) return given;
  const file = join(gitDir, 'commondir');
  if (!existsSync(file)) return gitDir;
  const named = readFileSync(file, 'utf8').trim();
  return isAbsolute(named) ? named : join(gitDir, named);
}

/**
 * The repository that GIT_DIR names, as git sets it for a helper. git has judged it, and only looking where things are
 * costs no process.
 * @returns null outside a repository, as for `git ls-remote <url>`
 */
export function findRepository(env: Environment, cwd: string): Repository | null {
  const named = env['GIT_DIR'];
  if (named === undefined) return null;
  const gitDir = resolve(cwd, named);
  const commonDir = resolve(cwd, commonDirOf(gitDir, env));
  const objects = resolve(cwd, env['GIT_OBJECT_DIRECTORY'] ?? join(commonDir, 'objects'));
  return { gitDir, commonDir, objects, env: { ...env, GIT_DIR: gitDir } };
}
