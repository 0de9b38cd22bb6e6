import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from '../git/alive.ts';
import type { Environment } from '../git/environment.ts';
import type { WantedRef } from '../git/fetch-pack.ts';
import { removeLeftovers } from '../git/quarantine.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { removeWritten, sweepStaged } from '../git/staged.ts';
import { MIRROR_NAMESPACE } from '../mirror/staged.ts';
import { emptyPack } from './completion.ts';

/** How long a sweeper waits for git to promote; a clone may check out for minutes, after it has promoted. */
const PATIENCE_MS = 10 * 60_000;

const PAUSE_MS = { first: 5, longest: 500 };

/** How often to look again when git is gone and something is still in the way. */
const MOST_LATE_ROUNDS = 20;

/** What one staging left for the time after git is done. */
export interface SweepJob {
  gitDir: string;
  objects: string;
  /** What was staged. */
  refs: WantedRef[];
  /** What git asked for: once all of it is reachable from real refs, git has promoted. */
  wanted: string[];
  format: string;
  /** Whether everything under refs/mirror/ is gam's, so that what earlier runs left is swept, too. */
  older: boolean;
  /** The git command, as processName() calls it; null when unknown. */
  git: string | null;
}

// `git fetch <url> <branch>` writes no ref at all, only FETCH_HEAD.
function inFetchHead(job: SweepJob): boolean {
  const path = join(job.gitDir, 'FETCH_HEAD');
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8');
  return job.wanted.every((oid) => text.includes(oid));
}

async function isPromoted(job: SweepJob, options: RunOptions): Promise<boolean> {
  const walk = ['rev-list', '--stdin', '--max-count=1', '--not', `--exclude=${MIRROR_NAMESPACE}*`, '--all'];
  const result = await runGit(walk, { ...options, input: `${job.wanted.join('\n')}\n` });
  return (result.status === 0 && result.stdout === '') || inFetchHead(job);
}

// A clone keeps even the pack of no objects with which gam answers when nothing is missing.
async function removeEmptyPack(job: SweepJob, heedKeep: boolean): Promise<boolean> {
  const pack = emptyPack(job.format);
  const name = pack.subarray(12).toString('hex');
  const path = (ending: string) => join(job.objects, 'pack', `pack-${name}.${ending}`);
  const size = await stat(path('pack')).then(
    (found) => found.size,
    () => null,
  );
  if (size !== pack.length) return true;
  if (heedKeep && existsSync(path('keep'))) return false;
  for (const ending of ['idx', 'rev', 'pack']) await rm(path(ending), { force: true });
  return true;
}

/**
 * Sweeps behind one fetch before the helper ends: for a staging that is small enough for git to walk without
 * the staged refs, as it would have walked what plain git had fetched. Nothing of it is ever seen then.
 * git's `.keep` beside the empty pack is for a pack that nothing refers to, and git removes it itself.
 */
export async function sweepHere(job: SweepJob, options: RunOptions): Promise<void> {
  await removeWritten(job.refs, options);
  await removeEmptyPack(job, false);
}

/** One round; true when nothing is left to wait for. */
async function sweepOnce(
  job: SweepJob,
  over: boolean,
  alive: boolean,
  options: RunOptions,
): Promise<boolean> {
  if (!over && !job.older) return true;
  if (!over) {
    const { left } = await sweepStaged(options);
    return left.length === 0 || !alive;
  }
  if (alive && !(await isPromoted(job, options))) return false;
  await removeWritten(job.refs, options);
  if (job.older) await sweepStaged(options);
  return (await removeEmptyPack(job, true)) || !alive;
}

/**
 * Sweeps behind one fetch, after the helper that staged has ended. git writes the real refs only then, so
 * this waits until everything that git asked for is reachable from them, or until git is gone.
 *
 * @param over whether this fetch needs nothing of it any more: canonical's answer reached git whole, and what
 *   a mirror had beyond it is refuted, or somebody interrupted the fetch. Then all that was staged goes.
 *   Otherwise, and of what earlier runs left, only what real refs reach goes; the rest stays unverified.
 * @param own this process, which owns the quarantine of the staging
 */
export async function sweepAfter(
  job: SweepJob,
  over: boolean,
  own: number,
  options: RunOptions,
): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  let wait = PAUSE_MS.first;
  let lateRounds = 0;
  while (Date.now() < end && lateRounds < MOST_LATE_ROUNDS && existsSync(join(job.gitDir, 'HEAD'))) {
    const alive = job.git === null || isAlive(job.git) !== false;
    // git itself, or the next helper's sweep, may hold a lock or have been faster: look again.
    if (await sweepOnce(job, over, alive, options).catch(() => false)) break;
    if (!alive) lateRounds += 1;
    await pause(wait);
    wait = Math.min(2 * wait, PAUSE_MS.longest);
  }
  await removeLeftovers(job.objects, own);
}

/** Where a job waits for its sweeper: in the quarantine, which the sweeper removes at the end. */
const JOB_FILE = 'sweep-job';

/** Writes a job down. It may be long, and a pipe would not hold it when its writer ends. */
export async function writeSweepJob(quarantine: string, job: SweepJob): Promise<void> {
  await writeFile(join(quarantine, JOB_FILE), JSON.stringify(job));
}

/**
 * The life of a sweeper process: waits until the helper that started it has ended, reads its job, sweeps.
 * It is silent whatever happens: the repository may vanish, as when an interrupted clone removes it.
 *
 * @param quarantine the folder that holds the job
 * @param input says `over` when nothing is to be kept, see sweepAfter(), and ends with the helper
 */
export async function runSweeper(
  quarantine: string,
  input: NodeJS.ReadableStream,
  own: number,
  env: Environment,
): Promise<void> {
  let told = '';
  for await (const chunk of input) told += String(chunk);
  try {
    const job = JSON.parse(await readFile(join(quarantine, JOB_FILE), 'utf8')) as SweepJob;
    await sweepAfter(job, told.includes('over'), own, { env });
  } catch {
    // Nobody is left to be told, and the next helper's start looks again.
  }
}
