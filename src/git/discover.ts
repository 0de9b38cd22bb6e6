import { resolve } from 'node:path';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { type RunOptions, runGit } from './run.ts';

/** Where a repository keeps what gam reads and writes; absolute paths. */
export interface Found {
  objectsDir: string;
  /** The file that `git config --local` writes; one for all work trees. */
  configFile: string;
}

const QUESTION = ['rev-parse', '--git-path', 'objects', '--git-path', 'config'];

async function look(options: RunOptions): Promise<{ found: Found | null; words: string }> {
  const { status, stdout, stderr } = await runGit(QUESTION, options);
  const [objects, config] = stdout.split('\n');
  if (status !== 0 || !objects || !config) return { found: null, words: stderr };
  // git answers relative to the folder it was asked in.
  const base = options.cwd ?? '.';
  return { found: { objectsDir: resolve(base, objects), configFile: resolve(base, config) }, words: '' };
}

/** The repository that git sees here, or null. */
export async function discoverRepository(options: RunOptions): Promise<Found | null> {
  return (await look(options)).found;
}

/**
 * The repository that git sees here.
 * @throws GamError `not-a-repository` with git's own reason (there is none, or it belongs to someone else)
 */
export async function needRepository(options: RunOptions): Promise<Found> {
  const { found, words } = await look(options);
  if (found !== null) return found;
  const reason = printable((words.split('\n')[0] ?? '').replace(/^fatal: /, ''));
  throw new GamError('not-a-repository', reason, { suggestion: 'go into a repository and run it again' });
}
