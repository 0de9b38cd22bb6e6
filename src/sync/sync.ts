import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { processName } from '../git/alive.ts';
import { readConfig } from '../git/config.ts';
import { takeOwnedLock } from '../git/owned-lock.ts';
import type { RunOptions } from '../git/run.ts';
import { findWorkTree } from '../git/work-tree.ts';
import { type Exchanged, exchange, type SyncPolicy } from './exchange.ts';
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

/** What a sync did, and between which two; null where another one is at work here. */
export type Synced = (Exchanged & Pair) | null;

/**
 * Exchanges a branch with its remote, once. Two of these in one repository wait for each other.
 * @throws GamError `not-a-repository`, `unknown-remote`, `usage`, and what exchange() throws
 */
export async function sync(options: SyncOptions): Promise<Synced> {
  const { run, once, pid } = options;
  const workTree = await findWorkTree(run);
  const pair = findPair(await readConfig(run), workTree.branch, options);
  const folder = join(workTree.commonDir, 'gam');
  await mkdir(folder, { recursive: true });
  const patience = once ? AbortSignal.abort() : (run.signal ?? new AbortController().signal);
  const lock = await takeOwnedLock(join(folder, 'sync.lock'), processName(pid), patience);
  if (lock === null) return null;
  try {
    const attempts = once ? 1 : ATTEMPTS;
    return { ...(await exchange({ ...options, ...pair, workTree, attempts })), ...pair };
  } finally {
    await lock.release();
  }
}
