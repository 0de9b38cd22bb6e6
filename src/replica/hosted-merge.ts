import { GamError } from '../errors.ts';
import { leadsTo } from '../git/commits.ts';
import type { RefSwap } from '../git/swap-refs.ts';
import { mergeHeads } from '../merge/heads.ts';
import type { HostedRef } from './hosted-plan.ts';
import type { Replica } from './replica.ts';

// Where one side was rewritten, or set back, nobody can tell a wish from a mistake.
async function haveMovedOn({ seen, there, here }: HostedRef, { run }: Replica): Promise<boolean> {
  if (there === null || here === null) return false;
  if (seen === null) return true;
  return (await leadsTo(seen, there, run)) && (await leadsTo(seen, here, run));
}

/**
 * Merges branches that have moved on both sides, where git can: into commits that depend on both tips alone, so that it does not
 * matter which primary does so, or how often. No ref is moved.
 *
 * @param apart refs that have moved apart; what they name is here
 * @param tell told why one was not merged, in one line each
 * @returns what the group's refs would have to become
 */
export async function mergeApart(
  replica: Replica,
  apart: ReadonlyMap<string, HostedRef>,
  tell: (line: string) => void,
): Promise<RefSwap[]> {
  const swaps: RefSwap[] = [];
  for (const [ref, one] of apart) {
    const { there, here } = one;
    if (!ref.startsWith('refs/heads/') || there === null || here === null) continue;
    if (!(await haveMovedOn(one, replica))) continue;
    try {
      const merged = await mergeHeads([here, there], { run: replica.run, onConflict: 'stop' });
      if (merged.kind === 'merged') swaps.push({ ref, old: here, new: merged.oid });
      else if (merged.kind === 'conflict')
        tell(`${ref} cannot be merged: ${merged.paths.length} files were changed on both sides`);
    } catch (error) {
      // Of one branch that cannot be merged, as by an older git, the others know nothing.
      if (!(error instanceof GamError)) throw error;
      tell(`${ref} cannot be merged: ${error.message}`);
    }
  }
  return swaps;
}
