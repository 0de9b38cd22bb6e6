import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { shortHash } from '../protocol/digest.ts';

/** What proc(5) tells of a process; null where it does not. */
function look(pid: number): { state: string; start: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces. Behind it come the state, field 3, and later the start, field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: fields[19] ?? '0' };
  } catch {
    return null;
  }
}

/**
 * A name for a process that no other has: `<host>-<pid>-<start>`, fit for a file. Process numbers come round
 * again, on a busy machine within a minute, and what a killed process left must not pass for the work of
 * whoever has its number now.
 */
export function processName(pid: number): string {
  return `${shortHash(hostname())}-${pid}-${look(pid)?.start ?? '0'}`;
}

/**
 * Whether the process of this name still does something. One that has ended counts as gone also while nobody
 * has waited for it: in a container whose first process is no init, an orphan such as the sweeper stays a
 * zombie for ever, and answers signals.
 * @returns null when it is of another host, or the name is none
 */
export function isAlive(name: string): boolean | null {
  const [, host, number = '', start] = /^([0-9a-f]{8})-([0-9]+)-([0-9]+)/.exec(name) ?? [];
  if (host !== shortHash(hostname())) return null;
  const pid = Number(number);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const found = look(pid);
  if (found === null) return true; // No /proc here: the signal's word counts.
  return !/^[ZXx]/.test(found.state) && (start === '0' || found.start === start);
}
