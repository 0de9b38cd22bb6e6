import { leadsTo } from '../git/commits.ts';
import type { RunOptions } from '../git/run.ts';
import { mergeHeads } from '../merge/heads.ts';
import type { KeptBoth } from '../merge/keep-both.ts';
import { conflictError } from '../merge/wording.ts';

/** Whose version stays of what cannot be merged: ours is that of this side, theirs what the remote has. */
export type SyncPolicy = 'stop' | 'keep-both' | 'ours' | 'theirs';

/** How a plan is made. */
export interface PlanOptions {
  run: RunOptions;
  onConflict: SyncPolicy;
  allowUnrelated: boolean;
}

/** What a branch is to become, and what that means. */
export interface Plan {
  /** `merged` where both sides had something new. */
  kind: 'up-to-date' | 'forwarded' | 'pushed' | 'merged';
  tip: string;
  kept: KeptBoth[];
}

/**
 * What a branch is to become, here and at a remote; a merge is written already, and no ref leads to it yet.
 *
 * @param local where it stands here, and there; null where it is not
 * @returns null where it is nowhere
 * @throws GamError `merge-conflict`, and what mergeHeads() throws
 */
export async function planFor(
  local: string | null,
  there: string | null,
  { run, onConflict, allowUnrelated }: PlanOptions,
): Promise<Plan | null> {
  if (there === null) return local === null ? null : { kind: 'pushed', tip: local, kept: [] };
  if (local === null) return { kind: 'forwarded', tip: there, kept: [] };
  if (local === there) return { kind: 'up-to-date', tip: local, kept: [] };
  if (await leadsTo(there, local, run)) return { kind: 'pushed', tip: local, kept: [] };
  if (await leadsTo(local, there, run)) return { kind: 'forwarded', tip: there, kept: [] };
  const preferred = { ours: { prefer: local }, theirs: { prefer: there } } as const;
  const policy = onConflict === 'ours' || onConflict === 'theirs' ? preferred[onConflict] : onConflict;
  const merged = await mergeHeads([local, there], { run, onConflict: policy, allowUnrelated });
  if (merged.kind === 'conflict')
    throw conflictError(
      merged.paths,
      `here is ${local.slice(0, 12)}, the remote has ${there.slice(0, 12)}: git merge ${there.slice(0, 12)}, or gam sync --on-conflict keep-both`,
    );
  // Of two merges of the same commits the one that is published counts: nothing is ever forced on a remote.
  if (merged.kind === 'forward') return { kind: 'forwarded', tip: there, kept: [] };
  return { kind: 'merged', tip: merged.oid, kept: merged.kept };
}
