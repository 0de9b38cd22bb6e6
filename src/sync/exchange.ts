import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import { forwardRef, leadsTo } from '../git/commits.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { inProgress, isDirty, type WorkTree } from '../git/work-tree.ts';
import { printable } from '../protocol/text.ts';
import type { KeptBoth } from './keep-both.ts';
import { mergeHeads } from './merge.ts';
import { fetchBranch, pushTip, remoteTip, type ServerOptions } from './server.ts';
import { conflictError } from './wording.ts';

/** Whose version stays of what cannot be merged: ours is that of this side, theirs what the remote has. */
export type SyncPolicy = 'stop' | 'keep-both' | 'ours' | 'theirs';

/** One exchange of a branch with a remote. */
export interface ExchangeOptions extends ServerOptions {
  workTree: WorkTree;
  /** As `main`. */
  branch: string;
  /** What it is called at the remote, in full. */
  remoteRef: string;
  onConflict: SyncPolicy;
  allowUnrelated: boolean;
  /** Whether files that differ from the commit may stay so, as long as nothing of what comes touches them. */
  allowDirty: boolean;
  /** Whether nothing is to change. */
  isRehearsal: boolean;
  /** So often the remote may move meanwhile. */
  attempts: number;
  /** Where the branch was seen at the remote a moment ago; where nobody says, the remote is asked. */
  knownTip?: string | null;
}

/** What an exchange did, or would do. */
export interface Exchanged {
  /** `merged` where both sides had something new. */
  kind: 'up-to-date' | 'forwarded' | 'pushed' | 'merged' | 'nothing';
  /** Where the branch stood before, and stands now; null where it is not there. */
  before: string | null;
  after: string | null;
  kept: KeptBoth[];
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

async function localTip(branch: string, run: RunOptions): Promise<string | null> {
  const { status, stdout } = await runGit(
    ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`],
    run,
  );
  return status === 0 ? stdout.trim() : null;
}

async function isHere(oid: string, run: RunOptions): Promise<boolean> {
  // A partial clone is not to fetch it one by one (git-rev-list(1), --exclude-promisor-objects; promisor remotes).
  const env = { ...run.env, GIT_NO_LAZY_FETCH: '1' };
  return (await runGit(['cat-file', '-e', `${oid}^{commit}`], { ...run, env })).status === 0;
}

/** What the branch is to become, and what that means. */
interface Plan {
  kind: Exchanged['kind'];
  tip: string;
  kept: KeptBoth[];
}

async function planFor(
  local: string | null,
  there: string | null,
  { run, onConflict, allowUnrelated }: ExchangeOptions,
): Promise<Plan | null> {
  if (local === null && there === null) return null;
  if (local === null || there === null)
    return { kind: there === null ? 'pushed' : 'forwarded', tip: (there ?? local) as string, kept: [] };
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

/** @throws GamError `work-in-progress`, `dirty-work-tree` */
async function needQuiet({ workTree, branch, run, allowDirty }: ExchangeOptions): Promise<void> {
  if (workTree.top === null || workTree.branch !== branch) return;
  const begun = inProgress(workTree);
  if (begun !== null)
    throw new GamError('work-in-progress', `${printable(workTree.top)}: ${begun}; nothing was changed`, {
      suggestion: 'end it first; what has come is fetched already',
    });
  if (!allowDirty && (await isDirty(run)))
    throw new GamError(
      'dirty-work-tree',
      `${printable(workTree.top)} has changes that are not committed; nothing was changed`,
      { suggestion: 'commit them, or git stash; gam watch commits by itself' },
    );
}

/** Moves the branch, and its files where it is checked out. */
async function moveTo(tip: string, local: string | null, options: ExchangeOptions): Promise<void> {
  const { workTree, branch, run } = options;
  if (workTree.top === null || workTree.branch !== branch) {
    await forwardRef(`refs/heads/${branch}`, tip, run);
    return;
  }
  const isForward = local === null || (await leadsTo(local, tip, run));
  const plainly = ['-c', 'merge.autoStash=false', '-c', 'merge.verifySignatures=false', '-c', 'gc.auto=0'];
  // A twin of what is here: both are merges by the rule, and git has no forward between them.
  const how = isForward
    ? ['merge', '--ff-only', '--no-overwrite-ignore', '-q', tip]
    : ['reset', '-q', '--keep', tip];
  const moved = await runGit([...plainly, ...how], { ...run, env: { ...run.env, LC_ALL: 'C' } });
  if (moved.status === 0) return;
  const lines = moved.stderr.split('\n');
  const files = lines.flatMap((line) => /^\t(.*)$/.exec(line)?.[1] ?? []);
  const words = files.length > 0 ? `${files.slice(0, 5).join(', ')} would be overwritten` : (lines[0] ?? '');
  throw new GamError(
    'dirty-work-tree',
    `${printable(workTree.top)} could not be brought up to date: ${printable(words.replace(/^\w+: /, ''))}`,
    { suggestion: 'commit these files, or move them away' },
  );
}

/** @returns null where the remote, or the branch, has moved meanwhile */
async function attempt(options: ExchangeOptions, isFirst: boolean): Promise<Exchanged | null> {
  const { run, branch, remoteRef, isRehearsal, knownTip } = options;
  const there = isFirst && knownTip !== undefined ? knownTip : await remoteTip(remoteRef, options);
  if (there !== null && !(await isHere(there, run))) await fetchBranch(remoteRef, isRehearsal, options);
  if (there !== null && !(await isHere(there, run))) return null;
  const local = await localTip(branch, run);
  const plan = await planFor(local, there, options);
  if (plan === null) return { kind: 'nothing', before: null, after: null, kept: [] };
  const { kind, tip, kept } = plan;
  const done: Exchanged = { kind, before: local, after: tip, kept };
  if (tip !== local) await needQuiet(options);
  if (isRehearsal) return done;
  if (tip !== there) {
    const pushed = await pushTip(tip, remoteRef, options);
    if (pushed !== 'taken') {
      if ((await remoteTip(remoteRef, options)) !== there) return null;
      throw new GamError('push-refused', `${printable(options.remote)} did not take it: ${pushed.refused}`, {
        suggestion: `see git push --dry-run ${printable(options.remote)} ${printable(branch)}`,
      });
    }
  }
  if (tip === local) return done;
  try {
    await moveTo(tip, local, options);
  } catch (error) {
    // Somebody has committed meanwhile.
    if ((await localTip(branch, run)) !== local) return null;
    throw error;
  }
  return done;
}

/**
 * Brings a branch here and at the remote to the same commit: forward where one leads to the other, by a deterministic merge where both
 * have something new. Nothing is forced, and nothing rewritten. The remote is moved first, so that a merge that comes too late is never
 * seen by anyone; where it, or the branch, moves meanwhile, all is done again, with growing pauses.
 *
 * @throws GamError `remote-unreachable`, `remote-busy`, `push-refused`, `merge-conflict`, `work-in-progress`, `dirty-work-tree`, and what mergeHeads() throws
 */
export async function exchange(options: ExchangeOptions): Promise<Exchanged> {
  const { attempts, run, remote } = options;
  for (let turn = 0; turn < attempts; turn += 1) {
    const done = await attempt(options, turn === 0);
    if (done !== null) return done;
    if (turn + 1 === attempts) break;
    // Two that meet once are not to meet again.
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** turn, LONGEST_PAUSE_MS);
    await pause(longest * (0.5 + Math.random() / 2), undefined, run.signal ? { signal: run.signal } : {});
  }
  throw new GamError(
    'remote-busy',
    `${printable(remote)} has moved ${attempts === 1 ? 'meanwhile' : `${attempts} times meanwhile`}`,
    { suggestion: 'run it again' },
  );
}
