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

/**
 * Moves a ref forward to a commit, or makes it there; by compare-and-swap.
 *
 * @param ref in full
 * @throws GamError `ref-refused` where it is no ref's name, checked out somewhere, or has what the commit does not lead to; `git-failed`
 */
export async function forwardRef(ref: string, oid: string, options: RunOptions): Promise<void> {
  const checked = await runGit(['check-ref-format', ref], options);
  if (checked.status !== 0 || !ref.startsWith('refs/'))
    throw new GamError('ref-refused', `${printable(ref)} is no name of a ref`, {
      suggestion: 'write it in full, as refs/heads/merged',
    });
  const format = '--format=%(objectname) %(worktreepath)';
  const listed = await gitOutput(['for-each-ref', '--count=1', format, ref], options);
  const [old = '', ...rest] = listed.trim().split(' ');
  const place = rest.join(' ');
  if (place !== '')
    throw new GamError('ref-refused', `${printable(ref)} is checked out in ${printable(place)}`, {
      suggestion: 'gam sync moves a branch together with its files',
    });
  if (old !== '' && !(await leadsTo(old, oid, options)))
    throw new GamError('ref-refused', `${printable(ref)} has what ${oid} does not lead to`, {
      suggestion: 'name another ref, or merge that one, too',
    });
  const zeros = '0'.repeat(oid.length);
  await gitOutput(['update-ref', '-m', 'merge: by gam', ref, oid, old || zeros], options);
}
