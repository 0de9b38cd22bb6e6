import { join } from 'node:path';
import type { TreeMerge } from '../git/merge-tree.ts';
import { gitOutput, type RunOptions } from '../git/run.ts';
import { type KeptBoth, keepBoth, preferOne, type Settlement } from './keep-both.ts';
import type { Settling } from './rule.ts';

// Names that another system could not write are merged all the same; whoever checks them out is told by git.
const ANY_NAME = ['core.protectNTFS=false', 'core.protectHFS=false', 'core.ignoreCase=false'].flatMap(
  (setting) => ['-c', setting],
);

/** Lines for git-update-index(1), --index-info. */
function indexInfo({ placed }: Settlement): string {
  const nothing = '0'.repeat(40);
  const line = ({ path, entry }: Settlement['placed'][number]) =>
    `${entry?.mode ?? '0'} ${entry?.oid ?? nothing}\t${path}\0`;
  // What goes makes room first: a folder may come where a file was.
  return [...placed]
    .sort((a, b) => Number(a.entry !== null) - Number(b.entry !== null))
    .map(line)
    .join('');
}

/**
 * Makes the tree of a merge that had conflicts, by the policy.
 *
 * @param commits the two that were merged, in order
 * @param options as aloneWithObjects() gives them
 */
export async function settle(
  { tree, conflicts }: TreeMerge,
  commits: readonly [string, string],
  settling: Exclude<Settling, { kind: 'clean' }>,
  options: RunOptions,
): Promise<{ tree: string; kept: KeptBoth[] }> {
  const env = { ...options.env, GIT_INDEX_FILE: join(options.env?.['GIT_DIR'] ?? '', 'index') };
  const own = { ...options, env };
  const listed = await gitOutput(['ls-tree', '-r', '-z', '--name-only', tree], {
    ...own,
    encoding: 'latin1',
  });
  const paths = listed.split('\0').filter((path) => path !== '');
  const settlement =
    settling.kind === 'keep-both'
      ? keepBoth(conflicts, commits, paths)
      : preferOne(conflicts, settling.oid === commits[0] ? 2 : 3);
  await gitOutput([...ANY_NAME, 'read-tree', tree], own);
  await gitOutput([...ANY_NAME, 'update-index', '-z', '--replace', '--index-info'], {
    ...own,
    input: Buffer.from(indexInfo(settlement), 'latin1'),
  });
  return { tree: (await gitOutput([...ANY_NAME, 'write-tree'], own)).trim(), kept: settlement.kept };
}
