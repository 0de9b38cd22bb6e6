import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processesAtWork } from './at-work.ts';
import type { WorkTree } from './work-tree.ts';

/** Younger ones may be of a git that is seen nowhere just now, between writing one and giving it its name. */
const LEAST_AGE_MS = 1000;

// As git-prune(1) knows them: a loose object, a pack, and the files beside a pack.
const UNFINISHED = [
  { folder: /^[0-9a-f]{2}$/, file: /^tmp_obj_/ },
  { folder: /^pack$/, file: /^tmp_(?:pack|idx|rev)_/ },
];

function unfinished(objects: string): string[] {
  return readdirSync(objects).flatMap((folder) => {
    const kind = UNFINISHED.find((one) => one.folder.test(folder));
    if (kind === undefined) return [];
    const names = readdirSync(join(objects, folder)).filter((name) => kind.file.test(name));
    return names.map((name) => join(objects, folder, name));
  });
}

/**
 * Removes what git has written of objects before the disk was full: it leaves that behind for two weeks (git-gc(1), --prune), and who
 * tries again and again would leave some each time, which takes the very room that is missing. Nothing is removed where a git is
 * at work in the repository or its files, or the system does not tell.
 */
export function clearUnfinishedObjects({ gitDir, commonDir, top }: WorkTree): void {
  const least = Date.now() - LEAST_AGE_MS;
  const isOld = (file: string) =>
    (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY) <= least;
  // Found first: what a git begins that starts behind the look at processes is not among it.
  const found = unfinished(join(commonDir, 'objects')).filter(isOld);
  if (found.length === 0) return;
  const places = [gitDir, commonDir, ...(top === null ? [] : [top])];
  if (places.every((place) => processesAtWork(place)?.size === 0))
    for (const file of found) rmSync(file, { force: true });
}
