import { copyFile, lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitOutput, type RunOptions, runGit } from './run.ts';
import type { WorkTree } from './work-tree.ts';

/** The tree of no files, which git knows without having it. */
const NO_FILES = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
} as const;

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    // A file stands where its folder is to come.
    (error: NodeJS.ErrnoException) => error.code === 'ENOTDIR',
  );

// What is ignored may be overwritten, for git read-tree; for us it is somebody's.
async function ignoredInWay(from: string, to: string, top: string, run: RunOptions): Promise<string | null> {
  const args = ['diff-tree', '-r', '-z', '--no-renames', '--diff-filter=A', '--name-only', from, to];
  const added = (await gitOutput(args, { ...run, encoding: 'latin1' })).split('\0');
  const there: string[] = [];
  for (const path of added)
    if (path !== '' && (await isThere(join(top, Buffer.from(path, 'latin1').toString())))) there.push(path);
  if (there.length === 0) return null;
  const input = Buffer.from(there.map((path) => `${path}\0`).join(''), 'latin1');
  const asked = ['check-ignore', '-z', '--stdin'];
  const { stdout } = await runGit(asked, { ...run, cwd: top, input });
  return stdout.split('\0')[0] || null;
}

async function refusal(from: string, to: string, index: string, run: RunOptions): Promise<string | null> {
  const own = { ...run, env: { ...run.env, GIT_INDEX_FILE: index, LC_ALL: 'C' } };
  // Files that were touched, and are as they were, are in nobody's way.
  await runGit(['update-index', '-q', '--refresh'], own);
  const { status, stderr } = await runGit(['read-tree', '-n', '-m', '-u', from, to], own);
  if (status === 0) return null;
  const words = stderr.trim().split('\n')[0] ?? '';
  return /'(.+)'/.exec(words)?.[1] ?? words;
}

/**
 * What would keep the files of a work tree from going from one commit to another one: a file that is not in the first one, or
 * differs from it, and would be overwritten. Nothing is changed, and nothing is locked: git tries it with an index of its own.
 *
 * @param from null for a branch that is not born yet
 * @returns the name of a file, or what git says; null where nothing is in the way
 */
export async function inTheWay(
  from: string | null,
  to: string,
  { top, gitDir, bits }: WorkTree,
  run: RunOptions,
): Promise<string | null> {
  if (top === null) return null;
  const base = from ?? NO_FILES[bits];
  const folder = await mkdtemp(join(run.env?.['TMPDIR'] ?? tmpdir(), 'gam-index-'));
  try {
    const index = join(folder, 'index');
    // There is none before the first commit.
    await copyFile(join(gitDir, 'index'), index).catch(() => undefined);
    return (await refusal(base, to, index, run)) ?? (await ignoredInWay(base, to, top, run));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
