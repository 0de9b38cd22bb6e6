import { readFileSync } from 'node:fs';

/**
 * Whether a process of this machine still does something. One that has ended counts as gone also while
 * nobody has waited for it: in a container whose first process is no init, an orphan such as the sweeper
 * stays a zombie for ever, and answers signals.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    // The name in parentheses may hold spaces; the state is the first field behind it (proc(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZXx]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return true; // No /proc here: the signal's word counts.
  }
}
