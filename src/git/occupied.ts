import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { printable } from '../protocol/text.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** Where a rebase or a bisect notes which branches it comes back to, while HEAD is at none (git's branch.c, `prepare_checked_out_branches()`). */
const NOTES = [
  ['rebase-merge/head-name', 'a rebase'],
  ['rebase-merge/update-refs', 'a rebase'],
  ['rebase-apply/head-name', 'a rebase'],
  ['BISECT_START', 'a bisect'],
] as const;

function gitDirs(commonDir: string): string[] {
  const linked = join(commonDir, 'worktrees');
  return [commonDir, ...(existsSync(linked) ? readdirSync(linked).map((name) => join(linked, name)) : [])];
}

function noted(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

/**
 * Who has a ref in hand, so that nobody else may move it: a work tree in which it is checked out, or a rebase.
 *
 * @param ref in full
 * @returns as `is checked out in /home/me/notes`; null where nobody has
 */
export async function occupied(ref: string, options: RunOptions): Promise<string | null> {
  const asked = await gitOutput(['rev-parse', '--git-common-dir'], options);
  const commonDir = realpathSync(resolve(options.cwd ?? '.', asked.replace(/\n$/, '')));
  const listed = await gitOutput(['worktree', 'list', '--porcelain'], options);
  const block = listed.split('\n\n').find((one) => one.split('\n').includes(`branch ${ref}`));
  const place = /^worktree (.*)$/m.exec(block ?? '')?.[1];
  if (place !== undefined) return `is checked out in ${printable(place)}`;
  const names = new Set([ref, ref.replace(/^refs\/heads\//, '')]);
  for (const gitDir of gitDirs(commonDir)) {
    const found = NOTES.find(([file]) => noted(join(gitDir, file)).some((line) => names.has(line)));
    if (found !== undefined) return `is held by ${found[1]} in ${printable(gitDir)}`;
  }
  return null;
}
