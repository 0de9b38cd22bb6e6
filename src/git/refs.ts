import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { WantedRef } from './fetch-pack.ts';
import { gitOutput, type RunOptions } from './run.ts';

/**
 * What every command that writes refs/mirror/* runs with: no hook of the user's, no reflog, and no search for refs
 * that are named like an object id, which takes a third of the time.
 */
const QUIETLY = [
  'core.hooksPath=/dev/null',
  'core.logAllRefUpdates=false',
  'core.warnAmbiguousRefs=false',
].flatMap((setting) => ['-c', setting]);

function holdsFile(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const entries = readdirSync(folder, { withFileTypes: true });
  return (
    entries.some((entry) => !entry.isDirectory()) ||
    entries.some((entry) => entry.isDirectory() && holdsFile(join(folder, entry.name)))
  );
}

/**
 * Whether a repository has any ref. Looking costs nothing, on every fetch; only a reftable is git's to read
 * (gitrepository-layout(5)). A linked worktree comes with a branch.
 */
export async function hasRefs(gitDir: string, options: RunOptions): Promise<boolean> {
  const has = (name: string) => existsSync(join(gitDir, name));
  if (has('packed-refs') || has('commondir')) return true;
  if (!has('reftable')) return holdsFile(join(gitDir, 'refs'));
  return (await gitOutput(['for-each-ref', '--count=1'], options)) !== '';
}

/** Writes refs in one transaction: all of them or none. */
export async function writeRefs(refs: readonly WantedRef[], options: RunOptions): Promise<void> {
  const input = refs.map((ref) => `update ${ref.name}\0${ref.oid}\0\0`).join('');
  await gitOutput([...QUIETLY, 'update-ref', '--stdin', '-z'], { ...options, input });
}

/** Deletes refs by compare-and-swap in one transaction: one that moved meanwhile makes all of them stay. */
export async function deleteRefs(refs: readonly WantedRef[], options: RunOptions): Promise<void> {
  if (refs.length === 0) return;
  const input = refs.map((ref) => `delete ${ref.name}\0${ref.oid}\0`).join('');
  await gitOutput([...QUIETLY, 'update-ref', '--stdin', '-z'], { ...options, input });
}
