import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { gitOutput, type RunOptions, runGit } from './run.ts';

/** A repository as somebody works in it. */
export interface WorkTree {
  /** The top of the work tree; null in a bare repository. Absolute. */
  top: string | null;
  gitDir: string;
  /** What linked work trees share. */
  commonDir: string;
  /** The branch that HEAD is at, as `main`, even one that is not born yet; null where HEAD is at no branch. */
  branch: string | null;
  bits: 'sha1' | 'sha256';
}

/** The branch that HEAD is at, as `main`; null where it is at none. */
export async function headBranch(run: RunOptions): Promise<string | null> {
  const { status, stdout } = await runGit(['symbolic-ref', '--quiet', 'HEAD'], run);
  const ref = status === 0 ? stdout.trim() : '';
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
}

/**
 * The repository at a folder.
 * @throws GamError `not-a-repository`
 */
export async function findWorkTree(run: RunOptions): Promise<WorkTree> {
  const asked = ['rev-parse', '--is-bare-repository', '--show-object-format', '--absolute-git-dir'];
  if (!statSync(run.cwd ?? '.', { throwIfNoEntry: false })?.isDirectory())
    throw new GamError('not-a-repository', `${printable(run.cwd ?? '.')} is no folder`);
  const { status, stdout, stderr } = await runGit([...asked, '--git-common-dir'], run);
  if (status !== 0)
    throw new GamError(
      'not-a-repository',
      `${printable(run.cwd ?? '.')}: ${printable((stderr.split('\n')[0] ?? '').replace(/^fatal: /, ''))}`,
      { suggestion: 'git clone <url> <folder> makes one; or git init, and git remote add' },
    );
  const [isBare, format, gitDir = '', commonDir = ''] = stdout.split('\n');
  const shown = isBare === 'true' ? null : await runGit(['rev-parse', '--show-toplevel'], run);
  if (shown !== null && shown.status !== 0)
    throw new GamError('not-a-repository', `${printable(run.cwd ?? '.')} is a folder of git's own`, {
      suggestion: 'name the folder that has the files',
    });
  return {
    top: shown === null ? null : shown.stdout.replace(/\n$/, ''),
    gitDir,
    commonDir: resolve(run.cwd ?? '.', commonDir),
    branch: await headBranch(run),
    bits: format === 'sha256' ? 'sha256' : 'sha1',
  };
}

/** What somebody has begun and not ended (builtin git-status(1) tells of the same files, wt-status.c), by the file that tells of it. */
const BEGUN: readonly (readonly [file: string, what: string])[] = [
  ['rebase-merge', 'a rebase is in progress'],
  ['rebase-apply', 'a rebase or git am is in progress'],
  ['MERGE_HEAD', 'a merge is in progress'],
  ['CHERRY_PICK_HEAD', 'a cherry-pick is in progress'],
  ['REVERT_HEAD', 'a revert is in progress'],
  ['BISECT_LOG', 'a bisect is in progress'],
  ['sequencer', 'a cherry-pick or revert is in progress'],
  ['index.lock', 'the index is locked'],
];

/** What somebody has begun here and not ended, in words, and the file that tells of it; null where there is nothing. */
export function inProgress({ gitDir }: WorkTree): { what: string; file: string } | null {
  const [file, what] = BEGUN.find(([name]) => existsSync(join(gitDir, name))) ?? [];
  return file === undefined || what === undefined ? null : { what, file: join(gitDir, file) };
}

/**
 * Whether what `git status --porcelain=v2 -z` tells of is more than submodules that are at another commit than the one that is noted
 * (git-status(1), "Porcelain Format Version 2"). git leaves them where they are when the noted one moves, and would call them changed from then on.
 */
export function tellsOfChanges(status: string): boolean {
  const records = status.split('\0').filter((record) => record !== '');
  // Behind a rename, which is prepared in any case, stands the old path.
  return records.some((record) => !/^1 \.[^ ] S/.test(record));
}

/** Whether files that git knows differ from the commit, or are prepared to. */
export async function isDirty(run: RunOptions): Promise<boolean> {
  const asked = ['status', '--porcelain=v2', '-z', '--untracked-files=no', '--ignore-submodules=dirty'];
  return tellsOfChanges(await gitOutput(['--no-optional-locks', ...asked], { ...run, encoding: 'latin1' }));
}
