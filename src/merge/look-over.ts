import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitOutput, type RunOptions, runGit } from '../git/run.ts';
import type { Conflict } from './conflicts.ts';
import { findLeftOut } from './left-out.ts';
import { basesOf, changedIn, type FlatTree, goneFrom, readTree, renamesIn, type TreeEntry } from './trees.ts';

/** Whether a file has everything by which another one differs from an older one: to merge them changes nothing (git-merge-file(1)). */
async function hasChange(
  file: string,
  older: string,
  changed: string,
  options: RunOptions,
): Promise<boolean> {
  const folder = options.env?.['GIT_DIR'] ?? '';
  const read = (oid: string) => gitOutput(['cat-file', 'blob', oid], { ...options, encoding: 'latin1' });
  const texts = await Promise.all([file, older, changed].map(read));
  const names = ['file', 'older', 'changed'].map((name) => join(folder, `gam-${name}`));
  await Promise.all(names.map((name, at) => writeFile(name, texts[at] ?? '', 'latin1')));
  const merged = await runGit(['merge-file', '-p', '-q', ...names], { ...options, encoding: 'latin1' });
  return merged.status === 0 && merged.stdout === texts[0];
}

const isFile = ({ mode }: TreeEntry) => mode.startsWith('100');

/** Whether what a file was renamed to has its change all the same, as where both sides have made it. */
async function isCarried(
  changed: TreeEntry,
  older: readonly TreeEntry[],
  targets: readonly TreeEntry[],
  options: RunOptions,
): Promise<boolean> {
  if (!isFile(changed)) return false;
  for (const target of targets.filter(isFile))
    for (const from of older.filter(isFile))
      if (await hasChange(target.oid, from.oid, changed.oid, options)) return true;
  return false;
}

/** Whether a file may be missing that this side has changed: where none may, nothing has to be read. */
async function mayMiss(
  commit: string,
  { tree, bases, settled }: { tree: string; bases: readonly string[]; settled: ReadonlySet<string> },
  options: RunOptions,
): Promise<boolean> {
  const gone = (await goneFrom(commit, tree, options)).filter((path) => !settled.has(path));
  if (gone.length === 0 || bases[0] === undefined) return gone.length > 0;
  const changed = new Set(await changedIn(bases[0], commit, options));
  return gone.some((path) => changed.has(path));
}

/**
 * What a merge has left out, as conflicts of which one side has a version.
 *
 * @param tree of the merge
 * @param commits the two that were merged, in order
 * @param settled names about which there was a conflict: they are as they are by a decision
 * @param options as aloneWithObjects() gives them
 */
export async function lookOver(
  tree: string,
  commits: readonly [string, string],
  settled: ReadonlySet<string>,
  options: RunOptions,
): Promise<Conflict[]> {
  const bases = await basesOf(commits, options);
  const doubts = await Promise.all(
    commits.map((commit) => mayMiss(commit, { tree, bases, settled }, options)),
  );
  if (!doubts.includes(true)) return [];
  const readAll = (oids: readonly string[]) => Promise.all(oids.map((oid) => readTree(oid, options)));
  const [one, two, merged] = (await readAll([...commits, tree])) as [FlatTree, FlatTree, FlatTree];
  const older = await readAll(bases);
  const renamesOf = (commit: string) => Promise.all(bases.map((base) => renamesIn(base, commit, options)));
  const renames = [await renamesOf(commits[0]), await renamesOf(commits[1])] as const;
  const conflicts: Conflict[] = [];
  for (const { path, side, entry, targets } of findLeftOut({
    trees: [one, two],
    bases: older,
    merged,
    renames,
  })) {
    if (settled.has(path)) continue;
    const there = targets.flatMap((target) => merged.get(target) ?? []);
    const from = older.flatMap((base) => base.get(path) ?? []);
    if (!(await isCarried(entry, from, there, options)))
      conflicts.push({ path, left: [], versions: [{ ...entry, side }] });
  }
  return conflicts;
}
