import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { occupied } from './occupied.ts';
import { gitOutput, type RunOptions, runGit } from './run.ts';

/**
 * The commit that a name stands for (gitrevisions(7)).
 * @throws GamError `unknown-revision`
 */
export async function needCommit(name: string, options: RunOptions): Promise<string> {
  const asked = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const { status, stdout } = await runGit(asked, options);
  if (status === 0) return stdout.trim();
  throw new GamError('unknown-revision', `${printable(name)} is no commit here`, {
    suggestion: 'see git log --all, or fetch first',
  });
}

/** Whether one commit leads to another one, or is it. */
export async function leadsTo(to: string, from: string, options: RunOptions): Promise<boolean> {
  return (await runGit(['merge-base', '--is-ancestor', to, from], options)).status === 0;
}

/** @throws GamError `ref-refused` where somebody has a ref in hand, who is not to find it moved */
export async function needFree(ref: string, options: RunOptions): Promise<void> {
  const hands = await occupied(ref, options);
  if (hands !== null)
    throw new GamError('ref-refused', `${printable(ref)} ${hands}; nothing was changed`, {
      suggestion: 'gam sync in that folder moves it with its files, once nothing else is at work there',
    });
}

/**
 * Moves a ref, or makes it, by compare-and-swap.
 * @param old null where there is to be none
 * @throws GamError `git-failed`
 */
export async function swapRef(
  ref: string,
  oid: string,
  old: string | null,
  options: RunOptions,
): Promise<void> {
  const from = old ?? '0'.repeat(oid.length);
  await gitOutput(['update-ref', '-m', 'merge: by gam', ref, oid, from], options);
}

/**
 * Moves a ref forward to a commit, or makes it there; by compare-and-swap.
 *
 * @param ref in full
 * @throws GamError `ref-refused` where it is no ref's name, a symbolic one, somebody has it in hand, or it has what the commit does not lead to; `git-failed`
 */
export async function forwardRef(ref: string, oid: string, options: RunOptions): Promise<void> {
  const checked = await runGit(['check-ref-format', ref], options);
  if (checked.status !== 0 || !ref.startsWith('refs/'))
    throw new GamError('ref-refused', `${printable(ref)} is no name of a ref`, {
      suggestion: 'write it in full, as refs/heads/merged',
    });
  const symbolic = await runGit(['symbolic-ref', '--quiet', ref], options);
  if (symbolic.status === 0)
    throw new GamError('ref-refused', `${printable(ref)} stands for ${printable(symbolic.stdout.trim())}`, {
      suggestion: 'name that one',
    });
  await needFree(ref, options);
  const read = await runGit(['rev-parse', '--verify', '--quiet', ref], options);
  const old = read.status === 0 ? read.stdout.trim() : null;
  if (old !== null && !(await leadsTo(old, oid, options)))
    throw new GamError('ref-refused', `${printable(ref)} has what ${oid} does not lead to`, {
      suggestion: 'name another ref, or merge that one, too',
    });
  await swapRef(ref, oid, old, options);
}
