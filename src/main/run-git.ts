import { constants } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { familyOf, signalAll } from '../git/descendants.ts';
import type { Environment } from '../git/environment.ts';
import { startProcess } from '../git/process.ts';
import { behindShield, findShield } from '../git/shield.ts';
import { LeaveLine, type LineEvents } from './leave-line.ts';
import { TwoStep } from './two-step.ts';

/** What an interrupted command ends with. */
const INTERRUPTED = 130;

/** Told of git while it runs, and of the mirrors under it. */
export interface GitEvents extends LineEvents {
  /** It has been started. */
  started(pid: number): void;
}

/**
 * Runs git on this terminal. Ctrl-C does not reach it: the first has its helper leave the mirror in hand, and only
 * a second one soon after, or one where there is no such mirror, ends git. Where git cannot be kept from the terminal's
 * Ctrl-C, or its helper not be reached, it ends with the first.
 *
 * @param quiet whether nothing is to be told
 * @returns git's exit status, as a shell gives it; 130 when it was interrupted
 */
export async function runGitHere(
  args: readonly string[],
  quiet: boolean,
  env: Environment,
  events: GitEvents,
): Promise<number> {
  const shield = await findShield(env);
  // A socket's path is short (unix(7)), and a folder for temporary files may be far away, full or not there.
  const line = shield === null ? null : await LeaveLine.open(events).catch(() => null);
  if (shield === null || line === null) return run(['git', ...args], env, () => 'stop', quiet, events);
  try {
    const twoStep = new TwoStep(() => line.leave());
    const words = behindShield(shield, 'git', args);
    const told = { ...env, GAM_SHIELD: shield, GAM_LEAVE_LINE: line.path };
    return await run(words, told, () => twoStep.pressed(performance.now()), quiet, events);
  } finally {
    await line.close();
  }
}

async function run(
  [command, ...args]: readonly [string, ...string[]],
  env: Environment,
  pressed: () => 'left' | 'stop',
  quiet: boolean,
  events: GitEvents,
): Promise<number> {
  const { child, exit } = startProcess(command, args, { env, stdio: 'inherit' });
  if (child.pid !== undefined) events.started(child.pid);
  let interrupted = false;
  // git's helpers learn of its end only when they next write to it, and a server may be silent for ever.
  const pass = async (signal: NodeJS.Signals) => {
    if (child.pid !== undefined) signalAll(await familyOf(child.pid), signal);
  };
  const onInterrupt = async () => {
    // What a helper has said already may lie on the line unread.
    await turn();
    await turn();
    if (pressed() === 'left') return;
    if (!interrupted && !quiet) tell('stopped');
    interrupted = true;
    // SIGINT is what they are kept from. A clone removes its folder on this one, too.
    await pass('SIGTERM');
  };
  process.on('SIGINT', onInterrupt);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, pass);
  try {
    const { status, signal } = await exit;
    if (interrupted) return INTERRUPTED;
    return status ?? 128 + constants.signals[signal ?? 'SIGTERM'];
  } finally {
    process.off('SIGINT', onInterrupt);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, pass);
  }
}

// On a terminal a counter, or the ^C itself, may stand where the line would start.
function tell(message: string): void {
  process.stderr.write(`${process.stderr.isTTY ? '\n' : ''}gam: ${message}\n`);
}
