import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { commonDirOf } from '../git/repository.ts';
import type { Service } from './service.ts';

/** The repository of a request: its folder, without symbolic links; or why there is none, in one line. */
export type FoundRepository = { gitDir: string } | { refusal: string };

/** Where git looks for a repository of a name, in this order (path.c, `enter_repo()`). */
const SUFFIXES = ['/.git', '', '/.git/.git', '.git/.git', '.git'];

const kindOf = (path: string) => stat(path).catch(() => null);

// As much as git looks at; it judges itself once it is there.
async function isGitDir(folder: string): Promise<boolean> {
  if ((await kindOf(join(folder, 'HEAD'))) === null) return false;
  const common = commonDirOf(folder, {});
  const kinds = await Promise.all(['objects', 'refs'].map((name) => kindOf(join(common, name))));
  return kinds.every((kind) => kind?.isDirectory());
}

// The folder that a `.git` file names (gitrepository-layout(5)); linked work trees and submodules have one.
async function namedBy(file: string): Promise<string | null> {
  const [, named] = /^gitdir: (.+?)\r?\n*$/.exec(await readFile(file, 'utf8')) ?? [];
  return named === undefined ? null : resolve(dirname(file), named);
}

async function gitDirOf(path: string): Promise<string | null> {
  for (const suffix of SUFFIXES) {
    const candidate = path + suffix;
    const kind = await kindOf(candidate);
    const folder = kind?.isFile() ? await namedBy(candidate) : candidate;
    if (kind !== null && folder !== null && (await isGitDir(folder))) return realpath(folder);
  }
  return null;
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

// What the file of a dumb request is, by the links on its way; null where there is none.
async function fileOf(gitDir: string, common: string, rest: string): Promise<string | null> {
  return realpath(join(rest.startsWith('/objects/') ? common : gitDir, rest)).catch(() => null);
}

/**
 * Finds the repository of a request under the root, as git finds it: `/x` is `x`, `x/.git` or `x.git`. Whatever a
 * symbolic link, a `.git` file or a `commondir` leads to must be under the root as well.
 *
 * @param root the folder that is served, without symbolic links
 */
export async function findRepository(
  root: string,
  { repository, rest, name }: Service,
): Promise<FoundRepository> {
  const gitDir = await gitDirOf(join(root, repository)).catch(() => null);
  if (gitDir === null) return { refusal: 'no repository there' };
  const common = await realpath(commonDirOf(gitDir, {}));
  const file = name === 'file' ? await fileOf(gitDir, common, rest) : null;
  const outside = [gitDir, common, file].find((path) => path !== null && !isWithin(root, path));
  return outside === undefined ? { gitDir } : { refusal: 'it leads out of the root' };
}
