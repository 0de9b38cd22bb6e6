import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';
import { leadsTo } from '../git/commits.ts';
import { isWhole } from '../git/reach.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { headBranch } from '../git/work-tree.ts';
import type { KeptBoth } from '../merge/keep-both.ts';
import { printable } from '../protocol/text.ts';
import { type MoveOptions, moveBranch, needWay } from './move.ts';
import { type Plan, type PlanOptions, planFor } from './plan.ts';
import { fetchBranch, isTracked, pushTip, remoteTip, type ServerOptions } from './server.ts';

export type { SyncPolicy } from './plan.ts';

/** One exchange of a branch with a remote. */
export interface ExchangeOptions extends ServerOptions, MoveOptions, PlanOptions {
  /** What the branch is called at the remote, in full. */
  remoteRef: string;
  /** Whether nothing is to change. */
  isRehearsal: boolean;
  /** So often the remote may move meanwhile. */
  attempts: number;
  /** Where the branch was seen at the remote a moment ago; where nobody says, the remote is asked. */
  knownTip?: string | null;
}

/** What an exchange did, or would do. */
export interface Exchanged {
  kind: Plan['kind'] | 'nothing';
  /** Where the branch stood before, and stands now; null where it is not there. */
  before: string | null;
  after: string | null;
  kept: KeptBoth[];
}

/** What came between, so that all is to be done again. */
interface Disturbed {
  meanwhile: string;
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

// Also what is here already is fetched where nothing else brings the remote-tracking ref up to date, as behind a rehearsal: git status
// would go on to call the branch ahead.
async function isToBeFetched(
  there: string | null,
  local: string | null,
  options: ExchangeOptions,
): Promise<boolean> {
  if (there === null || there === local) return false;
  if (!(await isWhole(there, options.run))) return true;
  if (local !== null && (await leadsTo(there, local, options.run))) return false;
  return !options.isRehearsal && !(await isTracked(options.remoteRef, there, options));
}

/** @throws GamError `push-refused` */
async function publish(
  tip: string,
  there: string | null,
  options: ExchangeOptions,
): Promise<Disturbed | null> {
  const { remote, remoteRef, branch } = options;
  const pushed = await pushTip(tip, there, remoteRef, options);
  if (pushed === 'taken') return null;
  if ((await remoteTip(remoteRef, options)) !== there)
    return { meanwhile: `${printable(remote)} has moved meanwhile` };
  const words = `${printable(remote)} did not take it: ${pushed.refused}`;
  if (pushed.mayPass) return { meanwhile: words };
  throw new GamError('push-refused', words, {
    suggestion: `nothing was changed here; see git push ${printable(remote)} ${printable(branch)}:${printable(remoteRef)}`,
  });
}

async function attempt(given: ExchangeOptions, isFirst: boolean): Promise<Exchanged | Disturbed> {
  const { run, branch, remoteRef, remote, isRehearsal, knownTip } = given;
  const there = isFirst && knownTip !== undefined ? knownTip : await remoteTip(remoteRef, given);
  if (await isToBeFetched(there, await localTip(branch, run), given)) {
    await fetchBranch(remoteRef, isRehearsal, given);
    if (there !== null && !(await isWhole(there, run)))
      return { meanwhile: `${printable(remote)} has moved meanwhile` };
  }
  // A fetch may take an hour, in which somebody changes to another branch, and commits.
  const options = { ...given, workTree: { ...given.workTree, branch: await headBranch(run) } };
  const local = await localTip(branch, run);
  const plan = await planFor(local, there, options);
  if (plan === null) return { kind: 'nothing', before: null, after: null, kept: [] };
  const { kind, tip, kept } = plan;
  const done: Exchanged = { kind, before: local, after: tip, kept };
  if (tip !== local) await needWay(local, tip, options);
  if (isRehearsal) return done;
  const disturbed = tip === there ? null : await publish(tip, there, options);
  if (disturbed !== null) return disturbed;
  if (tip === local) return done;
  const moved = { meanwhile: `${printable(branch)} has moved meanwhile` };
  try {
    return (await moveBranch(local, tip, options)) ? done : moved;
  } catch (error) {
    // Somebody has committed meanwhile; or git push has moved the branch itself, as in a clone by `git clone --mirror`.
    const now = await localTip(branch, run);
    if (now === tip) return done;
    if (now !== local) return moved;
    throw error;
  }
}

/**
 * Brings a branch here and at the remote to the same commit: forward where one leads to the other, by a deterministic merge where both
 * have something new. Nothing is forced, and nothing rewritten. The remote is moved first, so that a merge that comes too late is never
 * seen by anyone; where it, or the branch, moves meanwhile, all is done again, with growing pauses.
 *
 * @throws GamError `remote-unreachable`, `remote-busy`, `push-refused`, and what planFor(), needWay() and moveBranch() throw
 */
export async function exchange(options: ExchangeOptions): Promise<Exchanged> {
  const { attempts, run } = options;
  for (let turn = 1; ; turn += 1) {
    const done = await attempt(options, turn === 1);
    if ('kind' in done) return done;
    if (turn >= attempts) {
      const times = turn === 1 ? '' : `, ${turn} times in a row`;
      throw new GamError('remote-busy', `${done.meanwhile}${times}`, { suggestion: 'run it again' });
    }
    // Two that meet once are not to meet again.
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (turn - 1), LONGEST_PAUSE_MS);
    await pause(longest * (0.5 + Math.random() / 2), undefined, run.signal ? { signal: run.signal } : {});
  }
}
