import { join } from 'node:path';
import type { TreeMerge } from '../git/merge-tree.ts';
import { gitOutput, type RunOptions, runGit } from '../git/run.ts';
import { type FlatTree, findConflicts, isMixed, withOwnVersions } from './conflicts.ts';
import { type KeptBoth, keepBoth, preferOne, type Settlement } from './keep-both.ts';
import type { Settling } from './rule.ts';

// Names that another system could not write are merged all the same; whoever checks them out is told by git.
const ANY_NAME = ['core.protectNTFS=false', 'core.protectHFS=false', 'core.ignoreCase=false'].flatMap(
  (setting) => ['-c', setting],
);

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

async function readTree(tree: string, options: RunOptions): Promise<FlatTree> {
  const listed = await gitOutput(['ls-tree', '-r', '-z', tree], { ...options, encoding: 'latin1' });
  const lines = listed.split('\0').slice(0, -1);
  return new Map(
    lines.map((line) => {
      const tab = line.indexOf('\t');
      const [mode = '', , oid = ''] = line.slice(0, tab).split(' ');
      return [line.slice(tab + 1), { mode, oid }];
    }),
  );
}

async function readBases(commits: readonly [string, string], options: RunOptions): Promise<FlatTree[]> {
  const { stdout } = await runGit(['merge-base', '--all', ...commits], options);
  const bases = stdout.split('\n').filter((oid) => oid !== '');
  return Promise.all(bases.map((oid) => readTree(oid, options)));
}

/**
 * Makes the tree of a merge that had conflicts, by the policy.
 *
 * @param commits the two that were merged, in order
 * @param options as aloneWithObjects() gives them
 */
export async function settle(
  { tree, conflicts: entries }: TreeMerge,
  commits: readonly [string, string],
  settling: Exclude<Settling, { kind: 'clean' }>,
  options: RunOptions,
): Promise<{ tree: string; kept: KeptBoth[] }> {
  const env = { ...options.env, GIT_INDEX_FILE: join(options.env?.['GIT_DIR'] ?? '', 'index') };
  const own = { ...options, env };
  const trees = [await readTree(commits[0], own), await readTree(commits[1], own)] as const;
  const paths = [...(await readTree(tree, own)).keys()];
  const found = findConflicts(entries, commits);
  const conflicts = isMixed(found, trees)
    ? withOwnVersions(found, trees, await readBases(commits, own), new Set(paths))
    : found;
  const settlement =
    settling.kind === 'keep-both'
      ? keepBoth(conflicts, commits, paths)
      : preferOne(conflicts, settling.oid === commits[0] ? 0 : 1);
  await gitOutput([...ANY_NAME, 'read-tree', tree], own);
  await gitOutput([...ANY_NAME, 'update-index', '-z', '--replace', '--index-info'], {
    ...own,
    input: Buffer.from(indexInfo(settlement, '0'.repeat(tree.length)), 'latin1'),
  });
  return { tree: (await gitOutput([...ANY_NAME, 'write-tree'], own)).trim(), kept: settlement.kept };
}
