import { join } from 'node:path';
import { ANY_NAME } from '../git/index-entry.ts';
import { gitOutput, type RunOptions } from '../git/run.ts';
import { type Conflict, isMixed, withOwnVersions } from './conflicts.ts';
import { type KeptBoth, keepBoth, preferOne, type Settlement } from './keep-both.ts';
import type { Settling } from './rule.ts';
import { readTree } from './trees.ts';

/** Lines for git-update-index(1), --index-info. @param nothing the object id of zeros, as long as ids are here */
function indexInfo({ placed }: Settlement, nothing: string): string {
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
 * @param tree as git has left it
 * @param commits the two that were merged, in order
 * @param options as aloneWithObjects() gives them
 */
export async function settle(
  tree: string,
  conflicts: readonly Conflict[],
  commits: readonly [string, string],
  settling: Exclude<Settling, { kind: 'clean' }>,
  options: RunOptions,
): Promise<{ tree: string; kept: KeptBoth[] }> {
  const env = { ...options.env, GIT_INDEX_FILE: join(options.env?.['GIT_DIR'] ?? '', 'index') };
  const own = { ...options, env };
  const trees = [await readTree(commits[0], own), await readTree(commits[1], own)] as const;
  const paths = [...(await readTree(tree, own)).keys()];
  const real = isMixed(conflicts, trees) ? withOwnVersions(conflicts, trees) : conflicts;
  const settlement =
    settling.kind === 'keep-both'
      ? keepBoth(real, commits, paths)
      : preferOne(real, settling.oid === commits[0] ? 0 : 1);
  await gitOutput([...ANY_NAME, 'read-tree', tree], own);
  await gitOutput([...ANY_NAME, 'update-index', '-z', '--replace', '--index-info'], {
    ...own,
    input: Buffer.from(indexInfo(settlement, '0'.repeat(tree.length)), 'latin1'),
  });
  return { tree: (await gitOutput([...ANY_NAME, 'write-tree'], own)).trim(), kept: settlement.kept };
}
