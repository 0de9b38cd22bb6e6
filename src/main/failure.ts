import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

/** How a command that failed is told: the lines for standard error, and the exit code. */
export interface Failure {
  lines: string[];
  status: number;
}

/** Exit codes of every command. */
export const FAILED = 1;
export const WRONG_USAGE = 2;

// oclif's errors carry their exit code in `oclif.exit`; what its parser says ends with a hint at --help.
function ofCommandLine(error: Error & { oclif?: { exit?: number } }): Failure | null {
  if (error.oclif?.exit === undefined) return null;
  if ('code' in error && error.code === 'EEXIT') return { lines: [], status: error.oclif.exit };
  const said = error.message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== 'See more help with --help');
  const what = said
    .join(' ')
    .replace(/\bcommand (\S+)/, (_, id: string) => `command ${id.replaceAll(':', ' ')}`);
  return {
    lines: [what.charAt(0).toLowerCase() + what.slice(1), 'see gam --help, or --help behind the command'],
    status: WRONG_USAGE,
  };
}

/** The one place where an error gets its wording and its exit code. */
export function tellFailure(error: unknown): Failure {
  if (error instanceof GamError) {
    const lines = [error.message, ...(error.suggestion === undefined ? [] : [error.suggestion])];
    return {
      lines: lines.map((line) => printable(line, 2000)),
      status: error.code === 'usage' ? WRONG_USAGE : FAILED,
    };
  }
  if (!(error instanceof Error)) return { lines: [printable(String(error))], status: FAILED };
  return ofCommandLine(error) ?? { lines: [printable(error.message)], status: FAILED };
}
