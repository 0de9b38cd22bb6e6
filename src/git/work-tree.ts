import { existsSync } from 'node:fs';
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

/**
 * The repository at a folder.
 * @throws GamError `not-a-repository`
 */
export async function findWorkTree(run: RunOptions): Promise<WorkTree> {
  const asked = ['rev-parse', '--is-bare-repository', '--show-object-format', '--absolute-git-dir'];
  const { status, stdout, stderr } = await runGit([...asked, '--git-common-dir'], run).catch(
    (cause: unknown) => {
      throw new GamError('not-a-repository', `${printable(run.cwd ?? '.')} is no folder`, { cause });
    },
  );
  if (status !== 0)
    throw new GamError(
      'not-a-repository',
      `${printable(run.cwd ?? '.')}: ${printable((stderr.split('\n')[0] ?? '').replace(/^fatal: /, ''))}`,
      { suggestion: 'git clone <url> <folder> makes one; or git init, and git remote add' },
    );
  const [isBare, format, gitDir = '', commonDir = ''] = stdout.split('\n');
  const top = isBare === 'true' ? null : await gitOutput(['rev-parse', '--show-toplevel'], run);
  const head = await runGit(['symbolic-ref', '--quiet', 'HEAD'], run);
  const branch = head.status === 0 ? head.stdout.trim() : '';
  return {
    top: top === null ? null : top.replace(/\n$/, ''),
    gitDir,
    commonDir: resolve(run.cwd ?? '.', commonDir),
    branch: branch.startsWith('refs/heads/') ? branch.slice('refs/heads/'.length) : null,
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

/** What somebody has begun here and not ended, in words; null where there is nothing. */
export function inProgress({ gitDir }: WorkTree): string | null {
  return BEGUN.find(([file]) => existsSync(join(gitDir, file)))?.[1] ?? null;
}

/** Whether files that git knows differ from the commit, or are prepared to. */
export async function isDirty(run: RunOptions): Promise<boolean> {
  const asked = ['status', '--porcelain', '-z', '--untracked-files=no', '--ignore-submodules=dirty'];
  return (await gitOutput(['--no-optional-locks', ...asked], { ...run, encoding: 'latin1' })) !== '';
}
