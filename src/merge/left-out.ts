import { byId } from './rule.ts';
import type { FlatTree, TreeEntry } from './trees.ts';

/** A file that one side has changed, and that the other side and the merge do not have. */
export interface LeftOut {
  path: string;
  side: 0 | 1;
  entry: TreeEntry;
  /** What it may be called on the other side. */
  targets: string[];
}

/** What a merge was made of, and what it has come to. */
export interface MergedTrees {
  /** Of the two commits, in order. */
  trees: readonly [FlatTree, FlatTree];
  /** Of their common ancestors. */
  bases: readonly FlatTree[];
  merged: FlatTree;
  /** What each side has renamed since each of the ancestors: new names by old ones. */
  renames: readonly [readonly ReadonlyMap<string, string>[], readonly ReadonlyMap<string, string>[]];
}

/**
 * The changes that a merge has left out without a word. Where both sides have the same new file, and one of them has renamed it from a name under which
 * the other one has changed it, git takes the new file for settled before it brings that change over (merge-ort.c: `match_mask` stays as it was
 * behind process_renames()). `cp p q` and a changed p on one side, `git mv p q` on the other are enough, up to git 2.55.
 *
 * @returns sorted by path
 */
export function findLeftOut({ trees, bases, merged, renames }: MergedTrees): LeftOut[] {
  const contents = new Set([...merged.values()].map(({ oid }) => oid));
  const found = ([0, 1] as const).flatMap((side) => {
    const own = trees[side];
    const [other, renamed] = side === 0 ? [trees[1], renames[1]] : [trees[0], renames[0]];
    // What neither side has was made of both.
    const isMade = (path: string) => {
      const oid = merged.get(path)?.oid;
      return oid !== undefined && oid !== own.get(path)?.oid && oid !== other.get(path)?.oid;
    };
    return [...own].flatMap(([path, entry]): LeftOut[] => {
      const { oid } = entry;
      if (merged.has(path) || other.has(path) || contents.has(oid)) return [];
      if (bases.some((base) => base.get(path)?.oid === oid)) return [];
      const targets = renamed.flatMap((names) => names.get(path) ?? []);
      return targets.some(isMade) ? [] : [{ path, side, entry, targets: [...new Set(targets)] }];
    });
  });
  return found.sort((a, b) => byId(a.path, b.path));
}
