import type { Environment } from './environment.ts';
import { startProcess } from './process.ts';

/**
 * Programs that start another one with SIGINT blocked, by name. Ignoring it would not do: git sets handlers of its
 * own for what it must clean up (sigchain.c), where a blocked signal stays blocked, through exec and fork. node can
 * neither block a signal nor leave it blocked in a child, so somebody must come between; and he is gone at once.
 */
const SHIELDS = {
  // GNU coreutils 8.31.
  env: ['env', '--block-signal=INT'],
  // Where env is another's, as on macOS.
  perl: [
    'perl',
    '-MPOSIX=:signal_h',
    '-e',
    'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGINT)); exec {$ARGV[0]} @ARGV; exit 127',
  ],
} as const;

/** How a process is kept from the terminal's Ctrl-C; handed on to helpers by its name. */
export type Shield = keyof typeof SHIELDS;

/** The shield of this name; null where it is none. */
export function shieldNamed(name: string | undefined): Shield | null {
  return name !== undefined && Object.hasOwn(SHIELDS, name) ? (name as Shield) : null;
}

/** A command that starts another one behind a shield. */
export function behindShield(
  shield: Shield,
  command: string,
  args: readonly string[],
): [string, ...string[]] {
  // env would take it for the setting of a variable.
  if (shield === 'env' && command.includes('=')) return [command, ...args];
  return [...SHIELDS[shield], command, ...args];
}

/** Finds a shield that works here; null where there is none. */
export async function findShield(env: Environment): Promise<Shield | null> {
  for (const shield of Object.keys(SHIELDS) as Shield[]) {
    const [command, ...args] = behindShield(shield, 'git', ['--exec-path']);
    const { exit } = startProcess(command, args, { env, stdio: 'ignore' });
    if ((await exit.catch(() => null))?.status === 0) return shield;
  }
  return null;
}
