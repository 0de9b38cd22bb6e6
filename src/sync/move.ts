import { GamError } from '../errors.ts';
import { inTheWay } from '../git/checkout.ts';
import { leadsTo, needFree, swapRef } from '../git/commits.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { headBranch, inProgress, isDirty, type WorkTree } from '../git/work-tree.ts';
import { printable } from '../protocol/text.ts';

/** A branch that is to be moved, with its files where it is checked out. */
export interface MoveOptions {
  run: RunOptions;
  workTree: WorkTree;
  /** As `main`. */
  branch: string;
  /** Whether files that differ from the commit may stay so, as long as nothing of what comes touches them. */
  allowDirty: boolean;
}

const isCheckedOut = ({ workTree, branch }: MoveOptions) =>
  workTree.top !== null && workTree.branch === branch;

/** @throws GamError `work-in-progress` where somebody is at work in a work tree */
export function needRest(workTree: WorkTree): void {
  const begun = inProgress(workTree);
  if (begun === null) return;
  const place = printable(workTree.top ?? workTree.gitDir);
  throw new GamError('work-in-progress', `${place}: ${begun.what}; nothing was changed here`, {
    suggestion: begun.file.endsWith('.lock')
      ? `wait for the git that holds it; where none runs any more, remove ${printable(begun.file)}`
      : 'end it first, or take it back: git status tells how',
  });
}

function overwritten(place: string, file: string, after: string): GamError {
  return new GamError(
    'dirty-work-tree',
    `${printable(place)}: ${printable(file)} is not committed here, and would be overwritten; ${after}`,
    { suggestion: 'commit it, or move it away' },
  );
}

/**
 * Makes sure that a branch may be moved, before anybody hears of it.
 *
 * @param from where it is; null where it is not yet
 * @throws GamError `work-in-progress`, `dirty-work-tree`; `ref-refused` where another work tree has it
 */
export async function needWay(from: string | null, to: string, options: MoveOptions): Promise<void> {
  const { workTree, branch, run, allowDirty } = options;
  if (!isCheckedOut(options)) return needFree(`refs/heads/${branch}`, run);
  const top = workTree.top ?? '';
  needRest(workTree);
  if (!allowDirty && (await isDirty(run)))
    throw new GamError(
      'dirty-work-tree',
      `${printable(top)} has changes that are not committed; nothing was changed`,
      { suggestion: 'commit them, or git stash; gam watch commits by itself' },
    );
  const file = await inTheWay(from, to, workTree, run);
  if (file !== null) throw overwritten(top, file, 'nothing was changed');
}

const FORWARD = ['merge', '--ff-only', '--no-squash', '--no-overwrite-ignore', '-q'];
const PLAINLY = ['-c', 'merge.autoStash=false', '-c', 'merge.verifySignatures=false', '-c', 'gc.auto=0'];

// What a user has set for merges of a branch (git-config(1), branch.<name>.mergeOptions) is not meant for going forward: with `-s ours`
// git makes a merge in spite of --ff-only. A name with `=` cannot be given by -c.
const withoutOptions = (branch: string) =>
  branch.includes('=') ? [] : ['-c', `branch.${branch}.mergeOptions=`];

/**
 * Moves a branch, and its files where it is checked out; nothing that is not in the commit where it was is overwritten.
 *
 * @param from where it is; null where it is not yet
 * @returns false where it, or HEAD, has moved meanwhile, and nothing was changed
 * @throws GamError `dirty-work-tree`, `work-in-progress`, `git-failed`
 */
export async function moveBranch(from: string | null, to: string, options: MoveOptions): Promise<boolean> {
  const { workTree, branch, run } = options;
  const ref = `refs/heads/${branch}`;
  // A push takes its time: whoever has changed to another branch since must not find that one moved.
  if ((await headBranch(run)) !== workTree.branch) return false;
  if (!isCheckedOut(options)) {
    await needFree(ref, run);
    await swapRef(ref, to, from, run);
    return true;
  }
  needRest(workTree);
  const said = { ...run, env: { ...run.env, LC_ALL: 'C' } };
  const isForward = from === null || (await leadsTo(from, to, run));
  // A twin of what is here: both are merges by the rule, and git has no forward between them. The ref goes first, so that a commit
  // that somebody makes at this moment is not lost.
  if (!isForward) await swapRef(ref, to, from, run);
  const how = isForward
    ? [...PLAINLY, ...withoutOptions(branch), ...FORWARD, to]
    : ['read-tree', '-m', '-u', from, to];
  const moved = await runGit(how, said);
  if (moved.status === 0) return true;
  if (!isForward) await swapRef(ref, from, to, run);
  const lines = moved.stderr.split('\n');
  const file = lines.flatMap((line) => /^\t(.*)$/.exec(line)?.[1] ?? [])[0];
  const words = (lines.find((line) => line.trim() !== '') ?? 'git merge was ended').replace(/^\w+: /, '');
  if (file !== undefined) throw overwritten(workTree.top ?? '', file, 'the branch stays where it was');
  throw new GamError(
    'git-failed',
    `${printable(workTree.top ?? '')}: the branch could not be moved: ${printable(words)}`,
    { suggestion: 'see git status' },
  );
}
