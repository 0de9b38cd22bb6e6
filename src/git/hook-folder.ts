import { constants, existsSync } from 'node:fs';
import { access, chmod, mkdir, readdir, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { isAlive, processName } from './alive.ts';
import { withoutRepository } from './environment.ts';
import { takeOwnedLock } from './owned-lock.ts';
import { type RunOptions, runGit } from './run.ts';

/** In the folder of hooks, what stood there before gam's. */
export const KEPT_FOLDER = 'before-gam';

const LOCK = `${KEPT_FOLDER}.lock`;

/** How long others may take to change the same folder, in milliseconds. */
const PATIENCE = 10_000;

/** The folder of hooks of a repository. */
export interface HookFolder {
  /** Its absolute path, without symbolic links where it is there. */
  path: string;
  /** Where former hooks are kept. */
  kept: string;
  /** The repository that asks, without symbolic links in its path. Others may have the same folder of hooks. */
  repository: string;
}

/** A folder of hooks that gam cannot work with. */
export function badHooks(path: string, what: string, suggestion: string, cause?: unknown): GamError {
  const details = cause === undefined ? {} : { cause };
  return new GamError('bad-hooks', `hooks: ${printable(path)} ${what}`, { suggestion, ...details });
}

/**
 * The folder that git takes the hooks of a repository from: its own, or what `core.hooksPath` names (git-config(1)), which is relative to the
 * git folder for the hooks of a push (githooks(5)).
 *
 * @throws GamError `not-a-repository`, and `bad-hooks` where something else stands in the place of the folder
 */
export async function findHookFolder(gitDir: string, options: RunOptions): Promise<HookFolder> {
  const { env, ...rest } = options;
  const run: RunOptions = env === undefined ? rest : { ...rest, env: withoutRepository(env) };
  const question = ['-C', gitDir, '--git-dir=.', 'rev-parse', '--git-path', 'hooks'];
  const { status, stdout, stderr } = await runGit(question, run);
  if (status !== 0) {
    const reason = printable(/^fatal: (.*)/m.exec(stderr)?.[1] ?? stderr.trim());
    throw new GamError('not-a-repository', reason, { suggestion: 'name the git folder of a repository' });
  }
  const named = resolve(options.cwd ?? '.', gitDir, stdout.replace(/\n$/, ''));
  const found = await stat(named).catch(() => null);
  if (found !== null && !found.isDirectory())
    throw badHooks(named, 'is no folder', 'see git config core.hooksPath, and let it name a folder');
  const path = found === null ? named : await realpath(named);
  return {
    path,
    kept: join(path, KEPT_FOLDER),
    repository: await realpath(resolve(options.cwd ?? '.', gitDir)),
  };
}

/** The error for a folder that cannot be written to. */
function unwritable(path: string, cause: unknown): GamError {
  const reason = printable(cause instanceof Error ? cause.message : '');
  return badHooks(path, `cannot be written to: ${reason}`, 'run it as a user who may write there', cause);
}

/**
 * Makes the folder of hooks, where there is none.
 *
 * @returns the first folder that was made for that; null where it was there
 * @throws GamError `bad-hooks` where nobody could write into it
 */
export async function makeHookFolder({ path }: HookFolder): Promise<string | null> {
  try {
    const made = await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
    return made === undefined ? null : await realpath(made);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Makes the folder for what is kept, where there is none; whoever runs hooks must get into it. */
export async function makeKeptFolder({ path, kept }: HookFolder): Promise<void> {
  if (existsSync(kept)) return;
  await mkdir(kept);
  await chmod(kept, (await stat(path)).mode & 0o777);
}

/** Removes a folder of hooks that gam has made, and those around it that were made for it; what somebody has put into them keeps them. */
export async function unmakeHookFolder({ path }: HookFolder, made: string): Promise<void> {
  for (let folder = path; ; folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed || folder === made) return;
  }
}

/**
 * Does something while no other gam changes the folder.
 * @throws GamError `bad-hooks` where another one does so for too long, or nobody could write into it; nothing has changed then
 */
export async function withHookLock<T>({ path }: HookFolder, work: () => Promise<T>): Promise<T> {
  const owner = processName(process.pid);
  const lock = await takeOwnedLock(join(path, LOCK), owner, AbortSignal.timeout(PATIENCE)).catch(
    (cause: unknown) => {
      throw unwritable(path, cause);
    },
  );
  if (lock === null) throw badHooks(path, 'is being changed by another gam', 'repeat it when that has ended');
  try {
    const drafts = (await readdir(path)).filter((name) => name.startsWith(`${LOCK}.`));
    // A process that was killed while it took the lock leaves one.
    const dead = drafts.filter((name) => isAlive(name.slice(LOCK.length + 1)) === false);
    await Promise.all(dead.map((name) => rm(join(path, name), { force: true })));
    return await work();
  } finally {
    await lock.release();
  }
}
