import { join } from 'node:path';
import { ANY_NAME, foldersOf, type IndexEntry, isConflict, parseIndexEntry } from './index-entry.ts';
import type { TreeMerge } from './merge-tree.ts';
import { gitOutput, type RunOptions, runGit } from './run.ts';

/**
 * Merges two commits file by file, each under its name, where git's own merge cannot: what both sides have changed is a conflict, also where they have changed
 * different lines of it. Of a file and a folder that are new under the same name, the file is the conflict.
 *
 * @param options as aloneWithObjects() gives them
 * @throws GamError `git-failed`
 */
export async function mergeWithoutRenames(
  commits: readonly [string, string],
  options: RunOptions,
): Promise<TreeMerge> {
  const env = { ...options.env, GIT_INDEX_FILE: join(options.env?.['GIT_DIR'] ?? '', 'plain-index') };
  const own: RunOptions = { ...options, env, encoding: 'latin1' };
  const { stdout } = await runGit(['merge-base', '--all', ...commits], own);
  const found = stdout
    .split('\n')
    .filter((oid) => oid !== '')
    .sort();
  const bases = found.length > 0 ? found : [(await gitOutput(['mktree'], { ...own, input: '' })).trim()];
  // Of the last merge, where there are more than two heads.
  await gitOutput(['read-tree', '--empty'], own);
  await gitOutput([...ANY_NAME, 'read-tree', '-i', '-m', '--aggressive', ...bases, ...commits], own);
  const listed = await gitOutput(['ls-files', '--stage', '-z'], own);
  const entries = listed.split('\0').slice(0, -1).map(parseIndexEntry);
  const open = entries.filter(isConflict);
  const versions = new Map<string, number>();
  for (const { path } of open) versions.set(path, (versions.get(path) ?? 0) + 1);
  // New on one side; git leaves it open where the other one has a folder of that name.
  const isNew = ({ path, stage }: IndexEntry) => stage > 1 && versions.get(path) === 1;
  const there = entries.filter((entry) => !isConflict(entry) || isNew(entry));
  const folders = new Set(there.flatMap(({ path }) => [...foldersOf(path)]));
  const isTaken = (entry: IndexEntry) => isNew(entry) && !folders.has(entry.path);
  const taken = open.filter(isTaken);
  const conflicts = open.filter((entry) => !isTaken(entry));
  const lines = [
    ...open.map(({ path }) => `0 ${'0'.repeat(commits[0].length)}\t${path}\0`),
    ...taken.map(({ mode, oid, path }) => `${mode} ${oid}\t${path}\0`),
  ];
  await gitOutput([...ANY_NAME, 'update-index', '-z', '--index-info'], {
    ...own,
    input: Buffer.from(lines.join(''), 'latin1'),
  });
  return {
    tree: (await gitOutput([...ANY_NAME, 'write-tree'], own)).trim(),
    isClean: conflicts.length === 0,
    conflicts,
  };
}
