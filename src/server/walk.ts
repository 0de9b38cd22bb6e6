import { type Dirent, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Where a walk ends: so many folders are looked into, so deep below the root. */
const MOST = { folders: 10_000, depth: 8 };

const foldersIn = (path: string): Promise<Dirent[]> =>
  readdir(path, { withFileTypes: true }).then(
    (entries) => entries.filter((entry) => entry.isDirectory()),
    () => [],
  );

const isGitDir = (path: string) => existsSync(join(path, 'HEAD')) && existsSync(join(path, 'objects'));

/**
 * Finds the repositories below a root: `x` for a bare one, `x/.git` for one with a work tree. Symbolic links are not followed,
 * nor are repositories looked for within others. It looks into 10,000 folders, eight deep, at most.
 *
 * @param root the folder that is served, without symbolic links
 * @returns their git directories, in the order of paths; `truncated` where there is more than was looked at
 */
export async function gitDirsBelow(root: string): Promise<{ gitDirs: string[]; truncated: boolean }> {
  const gitDirs: string[] = [];
  let level = [root];
  let looked = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const folder of level) {
      looked += 1;
      if (looked > MOST.folders || depth > MOST.depth) return { gitDirs: gitDirs.sort(), truncated: true };
      const gitDir = [folder, join(folder, '.git')].find(isGitDir);
      if (gitDir !== undefined) gitDirs.push(gitDir);
      else next.push(...(await foldersIn(folder)).map(({ name }) => join(folder, name)));
    }
    level = next;
  }
  return { gitDirs: gitDirs.sort(), truncated: false };
}

/** A repository's path in URLs: `/x` for the folders `x` and `x/.git`, `/x.git` for `x.git`. Names nothing above the root. */
export function pathOf(root: string, gitDir: string): string {
  const below = relative(root, gitDir).split(sep).join('/');
  return `/${below.replace(/(?:^|\/)\.git$/, '')}`;
}
