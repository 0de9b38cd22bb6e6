import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GamError } from '../errors.ts';
import { processName } from '../git/alive.ts';
import { readConfig } from '../git/config.ts';
import { takeOwnedLock } from '../git/owned-lock.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { findWorkTree } from '../git/work-tree.ts';
import { printable } from '../protocol/text.ts';
import { type Exchanged, exchange, type SyncPolicy } from './exchange.ts';
import { needRest } from './move.ts';
import { findPair, type Pair } from './pair.ts';

/** What a user asks for. */
export interface SyncOptions {
  run: RunOptions;
  remote?: string | undefined;
  branch?: string | undefined;
  onConflict: SyncPolicy;
  allowUnrelated: boolean;
  allowDirty: boolean;
  isRehearsal: boolean;
  /** Whether it is left to the next time where somebody is at it, or the remote moves meanwhile. */
  once: boolean;
  /** As ServerOptions has it. */
  patienceMs: number | null;
  /** Where the branch was seen at the remote a moment ago; who does not say is undefined, and the remote is asked. */
  knownTip?: string | null;
  /** Names this process's lock. */
  pid: number;
}

/** So often the remote may move meanwhile before we give up; with the pauses between them that is most of a minute. */
const ATTEMPTS = 10;

/** So long another one is waited for: longer than one that comes around every few minutes is at work, as a rule. */
const LOCK_PATIENCE_MS = 600_000;

/** What a sync did, and between which two; null where another one is at work here. */
export type Synced = (Exchanged & Pair) | null;

/** @throws GamError `usage` for what no branch can be called: git would read `main~1` as another commit */
async function needName(branch: string, run: RunOptions): Promise<void> {
  if ((await runGit(['check-ref-format', `refs/heads/${branch}`], run)).status === 0) return;
  throw new GamError('usage', `${printable(branch)} is no name of a branch`, {
    suggestion: 'as in --branch main',
  });
}

/**
 * Exchanges a branch with its remote, once. Two of these in one repository wait for each other.
 * @returns null where another one is at work here, and does not end
 * @throws GamError `not-a-repository`, `unknown-remote`, `unknown-revision`, `work-in-progress`, `usage`, and what exchange() throws
 */
export async function sync(options: SyncOptions): Promise<Synced> {
  const { run, once, pid } = options;
  const workTree = await findWorkTree(run);
  if (options.branch !== undefined) await needName(options.branch, run);
  // HEAD is at no branch during a rebase, and that is not what is to be told.
  if (options.branch === undefined && workTree.branch === null) needRest(workTree);
  const pair = findPair(await readConfig(run), workTree.branch, options);
  const folder = join(workTree.commonDir, 'gam');
  await mkdir(folder, { recursive: true });
  const limits = [
    once ? AbortSignal.abort() : AbortSignal.timeout(LOCK_PATIENCE_MS),
    ...(run.signal ? [run.signal] : []),
  ];
  const lock = await takeOwnedLock(join(folder, 'sync.lock'), processName(pid), AbortSignal.any(limits));
  if (lock === null) {
    run.signal?.throwIfAborted();
    return null;
  }
  try {
    const exchanged = await exchange({ ...options, ...pair, workTree, attempts: once ? 1 : ATTEMPTS });
    if (exchanged.kind === 'nothing' && pair.branch !== workTree.branch)
      throw new GamError(
        'unknown-revision',
        `there is no branch ${printable(pair.branch)}, here or at ${printable(pair.remote)}`,
        { suggestion: 'see git branch --all' },
      );
    return { ...exchanged, ...pair };
  } finally {
    await lock.release();
  }
}
