import { resolve } from 'node:path';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { type RunOptions, runGit } from './run.ts';

/** Where a repository keeps what gam reads and writes; absolute paths. */
export interface Repository {
  objectsDir: string;
  /** The file that `git config --local` writes; one for all work trees. */
  configFile: string;
}

const QUESTION = ['rev-parse', '--git-path', 'objects', '--git-path', 'config'];

async function look(options: RunOptions): Promise<{ repository: Repository | null; words: string }> {
  const { status, stdout, stderr } = await runGit(QUESTION, options);
  const [objects, config] = stdout.split('\n');
  if (status !== 0 || !objects || !config) return { repository: null, words: stderr };
  // git answers relative to the folder it was asked in.
  const base = options.cwd ?? '.';
  return { repository: { objectsDir: resolve(base, objects), configFile: resolve(base, config) }, words: '' };
}

/** The repository that git sees here, or null. */
export async function findRepository(options: RunOptions): Promise<Repository | null> {
  return (await look(options)).repository;
}

/**
 * The repository that git sees here.
 * @throws GamError `not-a-repository` with git's own reason (there is none, or it belongs to someone else)
 */
export async function needRepository(options: RunOptions): Promise<Repository> {
  const { repository, words } = await look(options);
  if (repository !== null) return repository;
  const reason = printable((words.split('\n')[0] ?? '').replace(/^fatal: /, ''));
  throw new GamError('not-a-repository', reason, { suggestion: 'go into a repository and run it again' });
}
