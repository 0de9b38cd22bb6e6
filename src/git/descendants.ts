import { readdir, readFile } from 'node:fs/promises';
import { startProcess } from './process.ts';

interface Entry {
  pid: number;
  parent: number;
  group: number;
}

// The name in parentheses may hold spaces; behind it come the state, the parent and the group (proc(5)).
async function listInProc(): Promise<Entry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.flatMap((stat) => {
    const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return stat === ''
      ? []
      : [{ pid: Number.parseInt(stat, 10), parent: Number(parent), group: Number(group) }];
  });
}

async function listByPs(): Promise<Entry[]> {
  const { child } = startProcess('ps', ['-A', '-o', 'pid=,ppid=,pgid='], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0, group = 0]) => ({ pid, parent, group }));
}

/**
 * A process and all that descend from it in the same process group: those whom a signal from the terminal would reach.
 * One that has left the group, as the sweeper does, is on its own.
 *
 * @returns only the process itself where the system does not tell
 */
export async function familyOf(pid: number): Promise<number[]> {
  const all = await listInProc().catch(() => listByPs().catch(() => []));
  const group = all.find((entry) => entry.pid === pid)?.group;
  const family = [pid];
  for (const one of family)
    for (const entry of all) if (entry.parent === one && entry.group === group) family.push(entry.pid);
  return family;
}

/** Sends a signal to processes, some of which may have ended already. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}
