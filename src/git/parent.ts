import { readFileSync } from 'node:fs';
import { startProcess } from './process.ts';

/** How many processes may stand between a helper and its git: git's own wrapper, and shims of version managers. */
const FURTHEST = 6;

interface Ancestor {
  parent: number;
  /** Its words, each with a NUL behind it, or with spaces between them. */
  command: string;
}

// The name in parentheses may hold spaces; the parent is the second field behind it (proc(5)). Nothing there is waited
// for, and node would start four threads to read it.
function lookInProc(pid: number): Ancestor {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  return { parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), command };
}

async function lookByPs(pid: number): Promise<Ancestor> {
  const ps = startProcess('ps', ['-o', 'ppid=,args=', '-p', String(pid)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  for await (const chunk of ps.child.stdout ?? []) text += String(chunk);
  return { parent: Number.parseInt(text, 10), command: text.replace(/^\s*\d+\s+/, '').trimEnd() };
}

async function look(pid: number): Promise<Ancestor | null> {
  try {
    return lookInProc(pid);
  } catch {
    return lookByPs(pid).catch(() => null);
  }
}

/**
 * The git command that this helper works for. git starts a helper through a `git remote-mirror` process of its
 * own, which ends with the helper; the command is the parent of the furthest one that is called so.
 *
 * @param ppid the parent of the helper
 * @returns null where the system does not tell
 */
export async function gitCommandPid(ppid: number): Promise<number | null> {
  let found: number | null = null;
  let pid = ppid;
  for (let step = 0; step < FURTHEST && pid > 1; step += 1) {
    const ancestor = await look(pid);
    if (ancestor === null || Number.isNaN(ancestor.parent)) break;
    if (ancestor.command.includes('remote-mirror')) found = ancestor.parent;
    else if (found !== null) break;
    pid = ancestor.parent;
  }
  return found !== null && found > 1 ? found : null;
}

/**
 * The command line of the git command that this helper works for, the program first.
 *
 * @param ppid the parent of the helper
 * @returns no words where the system does not tell
 */
export async function gitCommandWords(ppid: number): Promise<string[]> {
  const pid = await gitCommandPid(ppid);
  const command = pid === null ? '' : ((await look(pid))?.command ?? '');
  return command.split(command.includes('\0') ? '\0' : /\s+/).filter((word) => word !== '');
}
