import type { ConflictEntry } from '../git/merge-tree.ts';
import { byId } from './rule.ts';

/** An entry of the index, or null where there is to be none. */
export interface Placed {
  path: string;
  entry: { mode: string; oid: string } | null;
}

/** Versions that could not be merged, and where they are now. */
export interface KeptBoth {
  /** latin1. */
  path: string;
  /** Where the other version lies; null where there was nothing to lay aside, as where one side has deleted the file. */
  aside: string | null;
}

/** What is to be changed in the tree of a merge with conflicts. */
export interface Settlement {
  placed: Placed[];
  kept: KeptBoth[];
}

/** Longer names no usual file system takes, in bytes (limits.h, NAME_MAX). */
const LONGEST_NAME = 255;
/** So much of a commit's id names the version that it had. */
const ID_LENGTH = 8;
const GITLINK = '160000';

/** The start of a name that is at most so many bytes long, and does not end within a character of UTF-8. */
function startOf(name: string, bytes: number): string {
  if (name.length <= bytes) return name;
  let end = bytes;
  while (end > 0 && (name.charCodeAt(end) & 0xc0) === 0x80) end -= 1;
  return name.slice(0, end);
}

/**
 * The name under which a version is laid beside another one: `notes.txt` becomes `notes.conflict-1a2b3c4d.txt`.
 *
 * @param path latin1
 * @param commit whose version it is
 * @param taken paths in the tree; compared without regard to case, as some file systems do
 */
export function asideName(path: string, commit: string, taken: ReadonlySet<string>): string {
  const slash = path.lastIndexOf('/') + 1;
  const [folder, name] = [path.slice(0, slash), path.slice(slash)];
  const dot = name.lastIndexOf('.');
  const hasEnding = dot > 0 && name.length - dot <= 16;
  const [stem, ending] = hasEnding ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let turn = 1; ; turn += 1) {
    const mark = `.conflict-${commit.slice(0, ID_LENGTH)}${turn === 1 ? '' : `-${turn}`}`;
    const aside = `${folder}${startOf(stem, LONGEST_NAME - mark.length - ending.length)}${mark}${ending}`;
    if (!taken.has(aside.toLowerCase())) return aside;
  }
}

function grouped(conflicts: readonly ConflictEntry[]): [string, ConflictEntry[]][] {
  const byPath = new Map<string, ConflictEntry[]>();
  for (const entry of conflicts) byPath.set(entry.path, [...(byPath.get(entry.path) ?? []), entry]);
  return [...byPath].sort(([a], [b]) => byId(a, b));
}

/** Paths, and the folders that they lie in. */
function names(paths: Iterable<string>): Set<string> {
  const taken = new Set<string>();
  for (const path of paths) {
    taken.add(path.toLowerCase());
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at).toLowerCase();
      if (taken.has(folder)) break;
      taken.add(folder);
    }
  }
  return taken;
}

/**
 * Keeps both versions of what could not be merged: that of the greater object id stays where it was, the other one lies beside
 * it. A file that one side has deleted, and the other one changed, stays. Of two commits of a submodule, which cannot lie side by side, the greater stays; the
 * other is in the history.
 *
 * @param commits the two that were merged, in order
 * @param paths all of the merged tree, latin1
 */
export function keepBoth(
  conflicts: readonly ConflictEntry[],
  commits: readonly [string, string],
  paths: Iterable<string>,
): Settlement {
  const taken = names(paths);
  const settlement: Settlement = { placed: [], kept: [] };
  for (const [path, entries] of grouped(conflicts)) {
    const versions = entries
      .filter(({ stage }) => stage !== 1)
      .sort((a, b) => byId(b.oid, a.oid) || byId(b.mode, a.mode));
    const [stays, other] = versions;
    settlement.placed.push({
      path,
      entry: stays === undefined ? null : { mode: stays.mode, oid: stays.oid },
    });
    const isAlike = other === undefined || other.oid === stays?.oid;
    if (isAlike || other.mode === GITLINK) {
      settlement.kept.push({ path, aside: null });
      continue;
    }
    const aside = asideName(path, commits[other.stage === 2 ? 0 : 1], taken);
    taken.add(aside.toLowerCase());
    settlement.placed.push({ path: aside, entry: { mode: other.mode, oid: other.oid } });
    settlement.kept.push({ path, aside });
  }
  return settlement;
}

/** Takes the version of one of the two commits, whatever it is: its deletion, too. */
export function preferOne(conflicts: readonly ConflictEntry[], stage: 2 | 3): Settlement {
  const placed = grouped(conflicts).map(([path, entries]) => {
    const version = entries.find((entry) => entry.stage === stage);
    return { path, entry: version === undefined ? null : { mode: version.mode, oid: version.oid } };
  });
  return { placed, kept: [] };
}
