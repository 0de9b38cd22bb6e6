import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { processName } from './alive.ts';

/** These only read refs; one may be at work for hours. */
const READERS = ['upload-pack', 'pack-objects', 'http-backend'];

function targets(pid: string): string[] {
  const links = [`/proc/${pid}/cwd`];
  for (const fd of readdirSync(`/proc/${pid}/fd`)) links.push(join(`/proc/${pid}/fd`, fd));
  return links.flatMap((link) => {
    try {
      return [readlinkSync(link)];
    } catch {
      return []; // Closed meanwhile.
    }
  });
}

// Of processes of other users Linux tells the name and nothing else: they may be at work anywhere.
function isAtWork(pid: string, gitDir: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const isGit = /^git(?:$|-)/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
    if (!isGit || READERS.some((name) => words.slice(0, 2).some((word) => word.endsWith(name)))) return false;
  } catch {
    return false; // It has ended.
  }
  try {
    return targets(pid).some((path) => path === gitDir || path.startsWith(`${gitDir}/`));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/**
 * The processes of git that may be changing refs of a repository now: that have their working directory or an open file there (proc(5)).
 * @param gitDir absolute, without symbolic links
 * @returns their names (processName()); null where the system does not tell
 */
export function processesAtWork(gitDir: string): Set<string> | null {
  try {
    const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
    return new Set(pids.filter((pid) => isAtWork(pid, gitDir)).map((pid) => processName(Number(pid))));
  } catch {
    return null;
  }
}
