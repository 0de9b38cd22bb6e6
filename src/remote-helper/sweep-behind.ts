import { relative } from 'node:path';
import { startProcess } from '../git/process.ts';
import { Quarantine } from '../git/quarantine.ts';
import { findRepository, type Repository } from '../git/repository.ts';
import type { HelperContext } from './context.ts';
import type { Holding } from './hold.ts';
import { type SweepJob, sweepHere, writeSweepJob } from './sweeper.ts';

/**
 * Sweeps behind a staging, or sees to it.
 *
 * @param over whether the fetch needs nothing of it any more: canonical has answered, or somebody interrupted
 */
export type Sweep = (over: boolean) => Promise<void>;

/**
 * Prepares the sweep of what was staged, while git still waits: a small staging is swept here, a large one by a sweeper.
 * @param git the git command, as processName() calls it; null when unknown
 */
export async function prepareSweep(
  context: HelperContext,
  holding: Holding,
  git: string | null,
): Promise<Sweep> {
  const { repository, staged, wanted, completion } = holding;
  const { refs, quarantine } = staged;
  const older = !context.fetchesMirrorRefs;
  const job = { refs, wanted: [...new Set(wanted)], format: completion.format, git, older };
  if (context.settings.sweep !== 'after') return () => quarantine.remove();
  if (holding.small) {
    return async (over) => {
      // What cannot be swept now, the next helper sweeps.
      if (over) await sweepHere({ ...job, ...repository }, { env: repository.env }).catch(() => undefined);
      await quarantine.remove();
      if (over) context.trace('swept-here');
    };
  }
  // Started while git still waits, so that it is warm when git has promoted; it acts once this process ends.
  const tell = await spawnSweeper(context, repository, quarantine, job);
  context.trace('sweeper-started');
  return async (over) => {
    if (over) tell('over');
  };
}

/**
 * Sees to the sweep of what an earlier helper staged before it was killed, or before canonical broke off: that is promoted by
 * a fetch that stages nothing itself, and may not even ask for objects. It must not lie there until the fetch after.
 */
export async function sweepOlder(context: HelperContext, git: string | null): Promise<void> {
  const { process: own, settings, trace } = context;
  const repository = settings.sweep === 'after' ? findRepository(own.env, own.cwd) : null;
  if (repository === null) return;
  const quarantine = await Quarantine.open(repository.objects, own.pid);
  await spawnSweeper(context, repository, quarantine, {
    refs: [],
    wanted: [],
    format: 'sha1',
    git,
    older: true,
  });
  trace('sweeper-started');
}

async function spawnSweeper(
  { process: own }: HelperContext,
  { gitDir, objects, env }: Repository,
  quarantine: Quarantine,
  work: Omit<SweepJob, 'gitDir' | 'objects'>,
): Promise<(line: string) => void> {
  const [command, ...args] = own.self;
  // It works from within the git folder and by relative paths: a clone may be renamed as soon as git returns.
  const inside = (path: string) => relative(gitDir, path) || '.';
  await writeSweepJob(quarantine.folder, { ...work, gitDir: '.', objects: inside(objects) });
  const { child } = startProcess(command, [...args, '--sweep', inside(quarantine.folder)], {
    env: { ...env, GIT_DIR: '.' },
    cwd: gitDir,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.stdin?.on('error', () => undefined);
  child.unref();
  if (child.pid !== undefined) await quarantine.handOver(child.pid);
  return (line) => child.stdin?.write(`${line}\n`);
}
