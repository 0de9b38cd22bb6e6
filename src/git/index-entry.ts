import { GamError } from '../errors.ts';

/** An entry of the index (git-ls-files(1), --stage). */
export interface IndexEntry {
  /** As `100644`, octal. */
  mode: string;
  oid: string;
  /** 0 is merged; else 1 is the common ancestor's version, 2 that of the first commit, 3 of the second. */
  stage: 0 | 1 | 2 | 3;
  /** One character for each byte (latin1). */
  path: string;
}

/** One version of a file that a merge could not settle. */
export interface ConflictEntry extends IndexEntry {
  stage: 1 | 2 | 3;
}

/** Whether an entry is of a file that could not be merged. */
export function isConflict(entry: IndexEntry): entry is ConflictEntry {
  return entry.stage > 0;
}

/** Settings for an index of any names: those that another system could not write are merged all the same; whoever checks them out is told by git. */
export const ANY_NAME = ['core.protectNTFS=false', 'core.protectHFS=false', 'core.ignoreCase=false'].flatMap(
  (setting) => ['-c', setting],
);

/** The folders that a path lies in, innermost first. */
export function* foldersOf(path: string): Generator<string> {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) yield path.slice(0, at);
}

const ENTRY = /^([0-7]{6}) ([0-9a-f]{40,64}) ([0-3])\t([^\0]+)$/;

/**
 * Reads `<mode> <object> <stage>\t<path>`, as git-ls-files(1) and git-merge-tree(1) print it with -z.
 *
 * @param line latin1
 * @throws GamError `git-failed`
 */
export function parseIndexEntry(line: string): IndexEntry {
  const [, mode = '', oid = '', stage, path = ''] = ENTRY.exec(line) ?? [];
  if (mode === '') throw new GamError('git-failed', 'git says of a merge what gam cannot read');
  return { mode, oid, stage: Number(stage) as IndexEntry['stage'], path };
}
