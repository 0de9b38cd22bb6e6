import { GamError } from '../errors.ts';
import { findChanges, isStaged, stageFiles } from '../git/changes.ts';
import type { Environment } from '../git/environment.ts';
import { gitOutput, type RunOptions, runGit } from '../git/run.ts';
import { clearIndexLock } from '../git/stale-index-lock.ts';
import { inProgress, type WorkTree } from '../git/work-tree.ts';
import { printable } from '../protocol/text.ts';
import { writeMessage } from './message.ts';
import { type LeftOut, pickChanges } from './pick.ts';
import type { WatchedFolder } from './watch-list.ts';

/** What a look at a folder came to. */
export interface Committed {
  /** Of the commit; null where there was nothing to commit. */
  oid: string | null;
  /** What it holds, or would hold; latin1. */
  paths: string[];
  /** Files that are being written. */
  growing: string[];
  leftOut: LeftOut[];
}

/** By whom, and how. */
export interface CommitOptions {
  run: RunOptions;
  /** The name of this machine. */
  host: string;
  /** Whether nothing is to change. */
  isRehearsal: boolean;
  /** Told of what was repaired, in one line each. */
  tell: (line: string) => void;
}

// A machine that was just set up has nobody's name; nobody is there to be told.
async function identity({ run, host }: CommitOptions): Promise<Environment> {
  if ((await runGit(['var', 'GIT_COMMITTER_IDENT'], run)).status === 0) return {};
  const user = run.env?.['USER'] ?? run.env?.['LOGNAME'] ?? 'gam';
  const email = `${user}@${host}`;
  return {
    GIT_AUTHOR_NAME: user,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: user,
    GIT_COMMITTER_EMAIL: email,
  };
}

/**
 * Commits what has changed in a folder and is settled. Hooks of the repository have their say.
 *
 * @param options `run` at the top of the work tree
 * @throws GamError `work-in-progress`, `git-failed`
 */
export async function commitChanges(
  folder: WatchedFolder,
  workTree: WorkTree & { top: string },
  options: CommitOptions,
): Promise<Committed> {
  const { run, host, isRehearsal, tell } = options;
  if (!isRehearsal && clearIndexLock(workTree)) tell('removed an index.lock that a killed git had left');
  const begun = inProgress(workTree);
  if (begun !== null)
    throw new GamError('work-in-progress', `${begun.what}; gam waits for its end`, {
      suggestion: 'end it, or give it up',
    });
  const { top } = workTree;
  const changes = await findChanges(folder.ignore, run);
  const { delayMs, sizeLimit } = folder;
  const { paths, growing, leftOut } = pickChanges(changes, { top, delayMs, sizeLimit, now: Date.now() });
  const found: Committed = { oid: null, paths, growing, leftOut };
  if (isRehearsal) return found;
  await stageFiles(paths, run);
  if (!(await isStaged(run))) return { ...found, paths: [] };
  const staged = await gitOutput(['diff', '--cached', '--name-only', '-z', '--no-renames'], {
    ...run,
    encoding: 'latin1',
  });
  const names = staged.split('\0').filter((path) => path !== '');
  const env = { ...run.env, ...(await identity(options)) };
  const message = writeMessage(folder.message, { host, paths: names });
  // Hooks end with it, also one that waits for somebody: it would hold git's standard error, and nobody could tell gam to end.
  const done = await runGit(['-c', 'gc.auto=0', 'commit', '--quiet', '--file=-'], {
    ...run,
    env,
    input: message,
    talks: 'asking',
  });
  if (done.status !== 0) {
    const words = `${done.stderr}\n${done.stdout}`.split('\n').find((line) => line.trim() !== '') ?? '';
    throw new GamError('git-failed', `git commit failed: ${printable(words.trim())}`, {
      suggestion: 'see git commit there',
    });
  }
  return { ...found, oid: (await gitOutput(['rev-parse', 'HEAD'], run)).trim(), paths: names };
}
