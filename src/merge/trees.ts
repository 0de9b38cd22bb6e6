import { gitOutput, type RunOptions, runGit } from '../git/run.ts';

/** What lies under a name in a tree; the mode as `100644`, octal. */
export interface TreeEntry {
  mode: string;
  oid: string;
}

/** A whole tree: entries by path (latin1). */
export type FlatTree = ReadonlyMap<string, TreeEntry>;

/** Reads a tree with all below it (git-ls-tree(1)). */
export async function readTree(tree: string, options: RunOptions): Promise<FlatTree> {
  const listed = await gitOutput(['ls-tree', '-r', '-z', tree], { ...options, encoding: 'latin1' });
  const lines = listed.split('\0').slice(0, -1);
  return new Map(
    lines.map((line) => {
      const tab = line.indexOf('\t');
      const [mode = '', , oid = ''] = line.slice(0, tab).split(' ');
      return [line.slice(tab + 1), { mode, oid }];
    }),
  );
}

/** The best common ancestors of two commits; none where they have nothing in common. */
export async function basesOf(commits: readonly [string, string], options: RunOptions): Promise<string[]> {
  const { stdout } = await runGit(['merge-base', '--all', ...commits], options);
  return stdout.split('\n').filter((oid) => oid !== '');
}

async function compare(args: readonly string[], options: RunOptions): Promise<string[]> {
  const told = await gitOutput(['diff-tree', '-r', '-z', ...args], { ...options, encoding: 'latin1' });
  return told.split('\0').slice(0, -1);
}

/** The files of one tree that another one does not have. */
export function goneFrom(from: string, to: string, options: RunOptions): Promise<string[]> {
  return compare(['--no-renames', '--diff-filter=D', '--name-only', from, to], options);
}

/** The files that a tree has, and an older one has otherwise or not at all. */
export function changedIn(from: string, to: string, options: RunOptions): Promise<string[]> {
  return compare(['--no-renames', '--diff-filter=AMT', '--name-only', from, to], options);
}

/** What has another name in another tree, found as merges find it: new names by old ones. */
export async function renamesIn(from: string, to: string, options: RunOptions): Promise<Map<string, string>> {
  const words = await compare(['-M', '-l7000', '--diff-filter=R', '--name-status', from, to], options);
  const found = new Map<string, string>();
  for (let at = 0; at < words.length; at += 3) found.set(words[at + 1] ?? '', words[at + 2] ?? '');
  return found;
}
