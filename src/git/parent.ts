import { readFile } from 'node:fs/promises';
import { startProcess } from './process.ts';

async function parentOf(pid: number): Promise<number | null> {
  try {
    // The name in parentheses may hold spaces; the parent is the second field behind it (proc(5)).
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    const ps = startProcess('ps', ['-o', 'ppid=', '-p', String(pid)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    for await (const chunk of ps.child.stdout ?? []) text += String(chunk);
    const parent = Number.parseInt(text, 10);
    return Number.isNaN(parent) ? null : parent;
  }
}

/**
 * The git command that this helper works for. git starts a helper through a `git remote-<name>` process of
 * its own, which ends with the helper; the command is that process's parent.
 * @returns null where the system does not tell
 */
export async function gitCommandPid(wrapper: number): Promise<number | null> {
  const parent = await parentOf(wrapper).catch(() => null);
  return parent === null || parent <= 1 ? null : parent;
}
