import { foldersOf } from '../git/index-entry.ts';
import type { Conflict, Version } from './conflicts.ts';
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
/** An ending that is longer, in bytes, belongs to the name. */
const LONGEST_ENDING = 16;
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
 * @param isTaken whether there is something of that name already
 */
export function asideName(path: string, commit: string, isTaken: (path: string) => boolean): string {
  const slash = path.lastIndexOf('/') + 1;
  const [folder, name] = [path.slice(0, slash), path.slice(slash)];
  const dot = name.lastIndexOf('.');
  const hasEnding = dot > 0 && name.length - dot <= LONGEST_ENDING;
  const [stem, ending] = hasEnding ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let turn = 1; ; turn += 1) {
    const mark = `.conflict-${commit.slice(0, ID_LENGTH)}${turn === 1 ? '' : `-${turn}`}`;
    const aside = `${folder}${startOf(stem, LONGEST_NAME - mark.length - ending.length)}${mark}${ending}`;
    if (!isTaken(aside)) return aside;
  }
}

// A submodule first, as .gitmodules tells its path; then by what both sides see alike.
const rank = (a: Version, b: Version): number =>
  Number(b.mode === GITLINK) - Number(a.mode === GITLINK) || byId(b.oid, a.oid) || byId(b.mode, a.mode);

const kindOf = ({ mode }: Version): string => mode.slice(0, 3);

/** Whether nothing is to be laid aside for a version: the same bytes stay, or another commit of the same submodule. */
const isCovered = (version: Version, stays: Version | undefined): boolean =>
  stays !== undefined &&
  kindOf(version) === kindOf(stays) &&
  (version.oid === stays.oid || version.mode === GITLINK);

/**
 * Keeps both versions of what could not be merged: that of the greater object id stays where it was, the other one lies beside
 * it. A file that one side has deleted, and the other one changed, stays. Where one side has made a folder in its place, the folder stays, and
 * the file lies beside it. Of two commits of a submodule, which cannot lie side by side, the greater stays; the other is in the history.
 *
 * @param commits the two that were merged, in order
 * @param paths all of the merged tree, latin1
 */
export function keepBoth(
  conflicts: readonly Conflict[],
  commits: readonly [string, string],
  paths: readonly string[],
): Settlement {
  const files = new Set(paths);
  const folders = new Set(paths.flatMap((path) => [...foldersOf(path)]));
  // Without regard to case, as some file systems have it.
  const taken = new Set([...paths, ...folders].map((path) => path.toLowerCase()));
  const settlement: Settlement = { placed: [], kept: [] };
  for (const { path, left, versions } of conflicts) {
    // A file in the place of a folder that this one lies in: what was renamed from there, and is brought back.
    const inWay = [...foldersOf(path)].find((folder) => files.has(folder)) ?? path;
    const ranked = versions.toSorted(rank);
    const stays = folders.has(path) || inWay !== path ? undefined : ranked.shift();
    const others = ranked.filter((version) => !isCovered(version, stays));
    settlement.placed.push(...left.map((one) => ({ path: one, entry: null })));
    if (stays !== undefined) settlement.placed.push({ path, entry: { mode: stays.mode, oid: stays.oid } });
    if (stays !== undefined && others.length === 0) settlement.kept.push({ path, aside: null });
    for (const { side, mode, oid } of others) {
      const isTaken = (name: string) => taken.has(name.toLowerCase());
      const aside = asideName(inWay, commits[side], isTaken) + path.slice(inWay.length);
      taken.add(aside.toLowerCase());
      settlement.placed.push({ path: aside, entry: { mode, oid } });
      settlement.kept.push({ path, aside });
    }
  }
  return settlement;
}

/** Takes the version of one of the two commits, whatever it is: its deletion, too, and its file where the other one has a folder. */
export function preferOne(conflicts: readonly Conflict[], side: 0 | 1): Settlement {
  const placed = conflicts.flatMap(({ path, left, versions }): Placed[] => {
    const version = versions.find((one) => one.side === side);
    const gone = left.map((one) => ({ path: one, entry: null }));
    if (version === undefined) return gone;
    return [...gone, { path, entry: { mode: version.mode, oid: version.oid } }];
  });
  return { placed, kept: [] };
}
