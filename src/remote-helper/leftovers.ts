import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../git/environment.ts';
import { removeLeftovers } from '../git/quarantine.ts';
import { findRepository } from '../git/repository.ts';
import { sweepStaged } from '../git/staged.ts';
import type { Trace } from '../trace/trace.ts';

/**
 * Whether the repository may have something under refs/mirror/. Asking git costs a process; looking costs
 * nothing, and there is hardly ever something.
 */
export function mayHaveStaged({ env, cwd }: { env: Environment; cwd: string }): boolean {
  const repository = findRepository(env, cwd);
  if (repository === null) return false;
  const { commonDir } = repository;
  if (existsSync(join(commonDir, 'refs/mirror')) || existsSync(join(commonDir, 'reftable'))) return true;
  const packed = join(commonDir, 'packed-refs');
  return existsSync(packed) && readFileSync(packed, 'latin1').includes(' refs/mirror/');
}

/**
 * Sweeps what an earlier run left, while git talks to canonical: refs/mirror/* that real refs reach by now,
 * and the quarantines of helpers that were killed. Silent, whatever happens.
 * @returns how many staged refs are left, which no real ref reaches
 */
export async function sweepLeftovers(
  { env, cwd }: { env: Environment; cwd: string },
  trace: Trace,
): Promise<number> {
  const repository = findRepository(env, cwd);
  if (repository === null) return 0;
  try {
    const removed = await removeLeftovers(repository.objects);
    if (removed.length > 0) trace('leftovers-removed', { count: removed.length });
    if (!mayHaveStaged({ env, cwd })) return 0;
    const { gone, left } = await sweepStaged({ env, cwd });
    if (gone.length + left.length > 0) trace('swept', { gone: gone.length, left: left.length });
    return left.length;
  } catch (error) {
    trace('sweep-failed', { reason: error instanceof Error ? error.message : String(error) });
    return 0;
  }
}
