import { mergeTree } from '../git/merge-tree.ts';
import type { RunOptions } from '../git/run.ts';
import { findConflicts } from './conflicts.ts';
import type { KeptBoth } from './keep-both.ts';
import { lookOver } from './look-over.ts';
import type { Settling } from './rule.ts';
import { settle } from './settle.ts';

/** What the trees of two commits come to. */
export type TwoTrees =
  | { kind: 'tree'; tree: string; settling: Settling; kept: KeptBoth[] }
  /** Nothing was made. */
  | { kind: 'conflict'; paths: string[] };

/**
 * Merges the trees of two commits: what git merges; then what it cannot, by the policy; then, by the same, what it has left out.
 *
 * @param policy null: nothing is made where there are conflicts
 * @param options as aloneWithObjects() gives them
 */
export async function mergeTwoTrees(
  commits: readonly [string, string],
  policy: Exclude<Settling, { kind: 'clean' }> | null,
  options: RunOptions,
): Promise<TwoTrees> {
  const merge = await mergeTree(commits, options);
  const conflicts = findConflicts(merge.conflicts, commits);
  const decided = new Set(conflicts.filter(({ versions }) => versions.length > 0).map(({ path }) => path));
  const kept: KeptBoth[] = [];
  let { tree } = merge;
  let settling: Settling = { kind: 'clean' };
  for (const round of ['told', 'left out'] as const) {
    const found = round === 'told' ? conflicts : await lookOver(tree, commits, decided, options);
    // git may have met a conflict, and name no file.
    if (round === 'told' ? merge.isClean : found.length === 0) continue;
    if (policy === null) return { kind: 'conflict', paths: found.map(({ path }) => path) };
    const settled = await settle(tree, found, commits, policy, options);
    [tree, settling] = [settled.tree, policy];
    kept.push(...settled.kept);
  }
  return { kind: 'tree', tree, settling, kept };
}
