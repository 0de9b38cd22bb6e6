import { type ConfigEntry, lastValue, parseBoolean } from '../config/entries.ts';
import { findHook, runHook } from '../git/hook.ts';
import { gitOutput, runGit } from '../git/run.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { Replica } from './replica.ts';

/**
 * What receive-pack itself would say to an update, were it not handed to a hook: its settings and the `update` hook
 * (git-config(1), receive.deny*; githooks(5), "update").
 *
 * @param tell told what the hook prints
 * @returns why an update is refused, by ref
 */
export async function ownRefusals(
  replica: Replica,
  updates: readonly RefUpdate[],
  tell: (line: string) => void,
): Promise<Map<string, string>> {
  const { config, run, format } = replica;
  const refusals = new Map<string, string>();
  const none = '0'.repeat(format === 'sha1' ? 40 : 64);
  const deletes = updates.some((update) => update.new === null) && isRefused(config, 'denydeletecurrent');
  const head = deletes ? await currentBranch(replica) : null;
  const hook = await findHook('update', replica.gitDir, config, run);
  for (const { ref, old, new: to } of updates) {
    if (to === null && isSet(config, 'denydeletes')) refusals.set(ref, 'deletion prohibited');
    else if (to === null && ref === head) refusals.set(ref, 'deletion of the current branch prohibited');
    else if (isSet(config, 'denynonfastforwards') && !(await isFastForward(replica, { ref, old, new: to })))
      refusals.set(ref, 'non-fast-forward');
    else if (hook !== null && !(await runHook(hook, [ref, old ?? none, to ?? none], run, tell)))
      refusals.set(ref, 'hook declined');
  }
  return refusals;
}

function isSet(config: readonly ConfigEntry[], name: string): boolean {
  return parseBoolean(lastValue(config, 'receive', null, name) ?? 'false') ?? false;
}

// Refused where nothing is said, as by receive-pack.
function isRefused(config: readonly ConfigEntry[], name: string): boolean {
  const value = lastValue(config, 'receive', null, name) ?? 'refuse';
  return value !== 'warn' && parseBoolean(value) !== false && value !== 'ignore';
}

async function currentBranch({ run }: Replica): Promise<string | null> {
  const { status, stdout } = await runGit(['symbolic-ref', '--quiet', 'HEAD'], run);
  return status === 0 ? stdout.trim() : null;
}

// Branches only, as in receive-pack: a tag or a deletion is no matter of this setting.
async function isFastForward({ run }: Replica, { ref, old, new: to }: RefUpdate): Promise<boolean> {
  if (old === null || to === null || !ref.startsWith('refs/heads/')) return true;
  const base = (await gitOutput(['merge-base', '--all', old, to], run).catch(() => '')).split('\n');
  return base.includes(old);
}
