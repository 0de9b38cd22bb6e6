import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
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

/** Where a branch is checked out, be it one without a commit yet; null for nowhere. A bare repository has its HEAD's branch checked out nowhere. */
async function workTreeOf(ref: string, options: RunOptions): Promise<string | null> {
  const listed = await gitOutput(['worktree', 'list', '--porcelain'], options);
  const block = listed.split('\n\n').find((one) => one.split('\n').includes(`branch ${ref}`));
  return block === undefined ? null : (/^worktree (.*)$/m.exec(block)?.[1] ?? '');
}

/**
 * Moves a ref forward to a commit, or makes it there; by compare-and-swap.
 *
 * @param ref in full
 * @throws GamError `ref-refused` where it is no ref's name, a symbolic one, checked out somewhere, or has what the commit does not lead to; `git-failed`
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
  const place = await workTreeOf(ref, options);
  if (place !== null)
    throw new GamError('ref-refused', `${printable(ref)} is checked out in ${printable(place)}`, {
      suggestion: 'gam sync moves a branch together with its files',
    });
  const read = await runGit(['rev-parse', '--verify', '--quiet', ref], options);
  const old = read.status === 0 ? read.stdout.trim() : null;
  if (old !== null && !(await leadsTo(old, oid, options)))
    throw new GamError('ref-refused', `${printable(ref)} has what ${oid} does not lead to`, {
      suggestion: 'name another ref, or merge that one, too',
    });
  await gitOutput(['update-ref', '-m', 'merge: by gam', ref, oid, old ?? '0'.repeat(oid.length)], options);
}
