import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import type { Environment } from './environment.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** The oldest git that gam works with. */
export const OLDEST_GIT = '2.25';
/** The oldest git whose fetch-pack knows the end of an answer over a stateless line; before it, no mirrors. */
export const STATELESS_GIT = '2.28';
/** A program that came with git 2.29. */
const SINCE_2_29 = 'git-maintenance';
/** The oldest git that knows `includeIf "hasconfig:remote.*.url:..."`. */
export const HASCONFIG_GIT = '2.36';
/** The oldest git that obeys GIT_CONFIG_GLOBAL. */
export const CONFIG_GLOBAL_GIT = '2.32';

/** Takes the number out of `git version 2.39.5 (Apple Git-154)`; null when there is none. */
export function parseGitVersion(text: string): string | null {
  return /\b([0-9]+\.[0-9]+(?:\.[0-9]+)?)/.exec(text)?.[1] ?? null;
}

/** True when a version such as `2.39.5` is `oldest` or newer. */
export function isAtLeast(version: string, oldest: string): boolean {
  const numbers = version.split('.').map(Number);
  for (const [index, least] of oldest.split('.').map(Number).entries()) {
    const number = numbers[index] ?? 0;
    if (number !== least) return number > least;
  }
  return true;
}

/**
 * The version of the git on PATH.
 * @throws GamError `git-missing` when there is none, `git-failed` when it does not tell
 */
export async function gitVersion(options: RunOptions): Promise<string> {
  const text = await gitOutput(['version'], options);
  const version = parseGitVersion(text);
  if (version === null) throw new GamError('git-failed', `git does not tell its version: ${printable(text)}`);
  return version;
}

/** How git calls itself to servers (version.c, git_user_agent()). */
export async function gitAgent(options: RunOptions): Promise<string> {
  const own = options.env?.['GIT_USER_AGENT'];
  if (own !== undefined) return own;
  return (await gitOutput(['version'], options)).trim().replace(/^git version /, 'git/');
}

/**
 * Whether git's fetch-pack knows the end of an answer over a stateless line. git puts the folder of its programs first
 * on the PATH of a helper, and what lies there mostly tells, without a process.
 * @throws GamError as gitVersion() does
 */
export async function isFitForMirrors({ env, cwd }: { env: Environment; cwd: string }): Promise<boolean> {
  const [first = ''] = (env['PATH'] ?? '').split(delimiter);
  if (isAbsolute(first) && ['git', SINCE_2_29].every((name) => existsSync(join(first, name)))) return true;
  return isAtLeast(await gitVersion({ env, cwd }), STATELESS_GIT);
}
