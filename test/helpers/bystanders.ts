import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** How long something that ends by itself, such as the detached sweeper, is given. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 20;
/** Looks start git, or read of all processes: what is waited for should have the processor most of the time. */
const PAUSES_PER_LOOK = 4;
const LONGEST_PAUSE_MS = 500;

/**
 * Repeats a look until it finds nothing amiss, for at most `patience` milliseconds.
 * @returns what the last look found
 */
export async function untilNothing<T>(
  look: () => readonly T[] | Promise<readonly T[]>,
  patience = PATIENCE_MS,
): Promise<readonly T[]> {
  const end = Date.now() + patience;
  for (;;) {
    const began = performance.now();
    const found = await look();
    if (found.length === 0 || Date.now() >= end) return found;
    const looked = performance.now() - began;
    await pause(Math.min(Math.max(PAUSE_MS, PAUSES_PER_LOOK * looked), LONGEST_PAUSE_MS));
  }
}

/** A living process that a sandbox is the ancestor of, however far it has detached itself. */
export interface Bystander {
  pid: number;
  command: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended while we looked, or it is another user's.
  }
}

/**
 * Finds living processes that carry a variable with this value in their environment. Only Linux tells
 * (proc(5)); elsewhere nothing is found. A process that has ended but was not waited for has none.
 */
export function bystanders(variable: string, value: string): Bystander[] {
  if (process.platform !== 'linux') return [];
  const wanted = `${variable}=${value}`;
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && read(`/proc/${name}/environ`).split('\0').includes(wanted))
    .map((name) => ({
      pid: Number(name),
      command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim(),
    }));
}
