import { existsSync, readdirSync, rmSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processesAtWork } from './at-work.ts';

/** What git locks beside single refs (gitrepository-layout(5)). */
const SHARED = ['packed-refs.lock', 'HEAD.lock'];

/** For so long processes are waited for that were at work when a lock was found, and how often they are looked at. */
const PATIENCE_MS = 2000;
const STEP_MS = 100;

/** Where the system does not tell who is at work, only what is as old as this is taken for left behind. */
const FORGOTTEN_MS = 600_000;

/** What clearing locks came to. */
export interface ClearedLocks {
  /** Relative to the git directory. */
  removed: string[];
  /** May be somebody's: too young, or somebody who may have made it is still at work. */
  left: string[];
}

/** Whether refs are locked now, by somebody who is at work, or who was killed. */
export function refsLocked(gitDir: string, refs: readonly { ref: string }[]): boolean {
  return [...SHARED, ...refs.map(({ ref }) => `${ref}.lock`)].some((name) => existsSync(join(gitDir, name)));
}

function locksIn(gitDir: string): string[] {
  const names = readdirSync(join(gitDir, 'refs'), { recursive: true, encoding: 'utf8' });
  const ofRefs = names.filter((name) => name.endsWith('.lock')).map((name) => join('refs', name));
  return [...SHARED.filter((name) => existsSync(join(gitDir, name))), ...ofRefs];
}

function look(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

const isSame = (a: Stats, b: Stats | null) => b !== null && a.ino === b.ino && a.mtimeMs === b.mtimeMs;

async function haveEnded(before: ReadonlySet<string>, gitDir: string): Promise<boolean> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = processesAtWork(gitDir);
    if (now !== null && ![...now].some((name) => before.has(name))) return true;
    if (performance.now() > until) return false;
    await pause(STEP_MS);
  }
}

/**
 * Removes the lock files that a killed git has left at refs; they would block these for ever. A lock is left behind when it is
 * still there, and all who were at work in the repository when it was found are gone: nobody who has come since can have made it. So
 * repositories in which somebody is always at work are cleared, too.
 *
 * @param gitDir absolute
 * @param leastAgeMs younger ones are not looked at
 */
export async function clearRefLocks(gitDir: string, leastAgeMs: number): Promise<ClearedLocks> {
  const found = locksIn(gitDir).flatMap((name) => {
    const stats = look(join(gitDir, name));
    return stats === null ? [] : [{ name, stats }];
  });
  const before = found.length === 0 ? null : processesAtWork(gitDir);
  const least = before === null ? FORGOTTEN_MS : leastAgeMs;
  // A clock that was set back makes a file one of the future.
  const old = found.filter(({ stats }) => Math.abs(Date.now() - stats.mtimeMs) >= least);
  const cleared: ClearedLocks = { removed: [], left: [] };
  const isClear = old.length > 0 && (before === null || (await haveEnded(before, gitDir)));
  for (const { name, stats } of found) {
    const file = join(gitDir, name);
    if (!isSame(stats, look(file))) continue;
    const isLeft = isClear && old.some((one) => one.name === name);
    if (isLeft) rmSync(file, { force: true });
    cleared[isLeft ? 'removed' : 'left'].push(name);
  }
  return cleared;
}
