import type { WantedRef } from './fetch-pack.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** What every command that writes refs/mirror/* runs with: no hook of the user's, no reflog. */
const QUIETLY = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.logAllRefUpdates=false'];

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
