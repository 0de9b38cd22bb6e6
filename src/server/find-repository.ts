import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { commonDirOf } from '../git/repository.ts';
import type { Service } from './service.ts';

/** The repository of a request: its folder, without symbolic links; or why there is none, in one line. */
export type FoundRepository = { gitDir: string } | { refusal: string };

/** Where git looks for a repository of a name, in this order (path.c, `enter_repo()`). */
const SUFFIXES = ['/.git', '', '/.git/.git', '.git/.git', '.git'];

/** A file that is larger is none that names a folder (setup.c, `read_gitfile_gently()`). */
const LARGEST = 2 ** 20;

const kindOf = (path: string) => stat(path).catch(() => null);

// As much as git looks at; it judges itself once it is there. Each look takes its turn with all other requests' ones, so what
// can be asked together is.
async function isGitDir(folder: string): Promise<boolean> {
  const common = commonDirOf(folder, {});
  const [head, ...folders] = await Promise.all(
    [join(folder, 'HEAD'), join(common, 'objects'), join(common, 'refs')].map(kindOf),
  );
  return head !== null && folders.every((kind) => kind?.isDirectory());
}

// The folder that a `.git` file names (gitrepository-layout(5)); linked work trees and submodules have one.
async function namedBy(file: string): Promise<string | null> {
  const [, named] = /^gitdir: (.+?)\r?\n*$/.exec(await readFile(file, 'utf8')) ?? [];
  return named === undefined ? null : resolve(dirname(file), named);
}

async function gitDirOf(path: string): Promise<string | null> {
  const candidates = SUFFIXES.map((suffix) => path + suffix);
  const kinds = await Promise.all(candidates.map(kindOf));
  for (const [index, candidate] of candidates.entries()) {
    const kind = kinds[index] ?? null;
    if (kind?.isFile() && kind.size > LARGEST) continue;
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
  const named = commonDirOf(gitDir, {});
  const common = named === gitDir ? gitDir : await realpath(named);
  const file = name === 'file' ? await fileOf(gitDir, common, rest) : null;
  const outside = [gitDir, common, file].find((path) => path !== null && !isWithin(root, path));
  return outside === undefined ? { gitDir } : { refusal: 'it leads out of the root' };
}
