import { type Dirent, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a search ends: so many folders, so deep below the root. */
const MOST = { folders: 10_000, depth: 8 };

const foldersIn = (path: string): Promise<Dirent[]> =>
  readdir(path, { withFileTypes: true }).then(
    (entries) => entries.filter((entry) => entry.isDirectory()),
    () => [],
  );

const isGitDir = (path: string) => existsSync(join(path, 'HEAD')) && existsSync(join(path, 'objects'));

/**
 * The repositories under a root, in the order of their paths. Symbolic links are not followed, nor are repositories looked for
 * within others.
 */
export async function gitDirsBelow(root: string): Promise<string[]> {
  const gitDirs: string[] = [];
  let level = [root];
  let looked = 0;
  for (let depth = 0; level.length > 0 && depth <= MOST.depth; depth += 1) {
    const next: string[] = [];
    for (const folder of level) {
      looked += 1;
      if (looked > MOST.folders) return gitDirs.sort();
      const gitDir = [folder, join(folder, '.git')].find(isGitDir);
      if (gitDir === undefined) next.push(...(await foldersIn(folder)).map(({ name }) => join(folder, name)));
      else gitDirs.push(gitDir);
    }
    level = next;
  }
  return gitDirs.sort();
}
