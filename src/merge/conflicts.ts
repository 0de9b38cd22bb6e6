import type { IndexEntry } from '../git/index-entry.ts';
import { byId } from './rule.ts';
import type { FlatTree, TreeEntry } from './trees.ts';

/** What one of the two commits has of a file that could not be merged. */
export interface Version extends TreeEntry {
  /** Which of the two commits. */
  side: 0 | 1;
}

/** A file that could not be merged. */
export interface Conflict {
  /** latin1, as the commits have it. */
  path: string;
  /** Where git has left something of it in the tree; sorted. */
  left: string[];
  /** None where both sides have given it other names. */
  versions: Version[];
}

/**
 * Where there is a folder under the name of a file, or a symbolic link under that of a submodule, git moves one of them away, and calls it
 * `<path>~<commit>`, or `<path>~<commit>_0` (merge-ort.c, unique_path()). No commit can hold a name with its own id, so that is no user's name.
 */
function ownPath({ path, stage }: IndexEntry, commits: readonly [string, string]): string {
  const ids = stage === 1 ? commits : [commits[stage - 2]];
  const end = new RegExp(`^(.+)~(?:${ids.join('|')})(?:_\\d+)?$`, 's');
  return end.exec(path)?.[1] ?? path;
}

/**
 * Puts together what belongs to the same file.
 *
 * @param commits the two that were merged, in order, by the ids under which git was told of them
 * @returns sorted by path
 */
export function findConflicts(
  entries: readonly IndexEntry[],
  commits: readonly [string, string],
): Conflict[] {
  const byPath = new Map<string, IndexEntry[]>();
  for (const entry of entries) {
    const path = ownPath(entry, commits);
    byPath.set(path, [...(byPath.get(path) ?? []), entry]);
  }
  return [...byPath]
    .sort(([a], [b]) => byId(a, b))
    .map(([path, of]) => ({
      path,
      left: [...new Set(of.map((entry) => entry.path))].sort(byId),
      versions: of.flatMap(({ stage, mode, oid }): Version[] =>
        stage === 1 ? [] : [{ mode, oid, side: stage === 2 ? 0 : 1 }],
      ),
    }));
}

/** Whether some version is none that the commit has anywhere: withOwnVersions() is to be asked. */
export function isMixed(conflicts: readonly Conflict[], trees: readonly [FlatTree, FlatTree]): boolean {
  const ids = trees.map((tree) => new Set([...tree.values()].map(({ oid }) => oid)));
  return conflicts.some(({ versions }) => versions.some(({ side, oid }) => ids[side]?.has(oid) === false));
}

/**
 * The same conflicts, in versions that somebody has made. Where both sides have renamed a file to different names, or one has renamed it to where the
 * other put a new one, git first merges what is in it, and calls that the version of one side; it may hold conflict markers
 * (merge-ort.c, process_renames()). Each then gets back what it had there; what the other side had changed under the old name, lookOver() finds.
 *
 * @param trees of the two commits, in order
 */
export function withOwnVersions(
  conflicts: readonly Conflict[],
  trees: readonly [FlatTree, FlatTree],
): Conflict[] {
  return conflicts.map(({ path, left, versions }) => ({
    path,
    left,
    versions: versions.map((version) => ({ ...version, ...trees[version.side].get(path) })),
  }));
}
