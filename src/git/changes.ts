import { gitOutput, type RunOptions, runGit } from './run.ts';

/** What differs between files and index, or is in no index. Paths are latin1, from the top of the work tree. */
export interface Changes {
  /** Changed, deleted or new files. */
  files: string[];
  /** Repositories within this one, which are not its files. */
  nested: string[];
}

/**
 * Reads what `git ls-files -z -t` prints: a letter, a blank and a name for each (git-ls-files(1), -t); a deleted file comes twice.
 *
 * @param text latin1
 */
export function parseChanges(text: string): Changes {
  const paths = new Set(
    text
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => line.slice(2)),
  );
  const isNested = (path: string) => path.endsWith('/');
  return {
    files: [...paths].filter((path) => !isNested(path)),
    nested: [...paths].filter(isNested).map((path) => path.slice(0, -1)),
  };
}

/**
 * Finds what is not committed: .gitignore, .git/info/exclude and the user's own excludes count, and more patterns like them.
 * @param ignore as in gitignore(5)
 * @param run at the top of the work tree
 */
export async function findChanges(ignore: readonly string[], run: RunOptions): Promise<Changes> {
  const more = ignore.map((pattern) => `--exclude=${pattern}`);
  const args = ['ls-files', '-z', '-t', '--modified', '--deleted', '--others', '--exclude-standard'];
  return parseChanges(await gitOutput([...args, ...more], { ...run, encoding: 'latin1' }));
}

/**
 * Takes files into the index as they are now; one that is gone is taken out.
 * @throws GamError `git-failed`, as where the index is locked, or the disk is full
 */
export async function stageFiles(paths: readonly string[], run: RunOptions): Promise<void> {
  if (paths.length === 0) return;
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  await gitOutput(['update-index', '--add', '--remove', '--replace', '-z', '--stdin'], { ...run, input });
}

/** Whether something is in the index that is in no commit. */
export async function isStaged(run: RunOptions): Promise<boolean> {
  const args = ['--no-optional-locks', 'diff', '--cached', '--quiet', '--ignore-submodules=none'];
  return (await runGit(args, run)).status === 1;
}
