import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import type { Environment } from '../git/environment.ts';

/** What every command of gam shares: where it writes, and that it knows its surroundings by values. */
export abstract class GamCommand extends Command {
  static override baseFlags = {
    quiet: Flags.boolean({ char: 'q', summary: 'Print nothing but errors.' }),
  };

  /** For everything that is asked of git; the library reads no process.* of its own. */
  protected readonly env: Environment = process.env;
  protected readonly where = { cwd: process.cwd() };

  /** Prints result lines. */
  protected say(...lines: string[]): void {
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  }

  /** Prints one JSON document. */
  protected sayJson(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** Prints a remark that is not the result, to standard error. */
  protected remark(line: string): void {
    process.stderr.write(`gam: ${line}\n`);
  }

  /** The terminal's width in columns; null when standard output is none, or does not tell, and nothing need be cut. */
  protected width(): number | null {
    return process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : null;
  }
}
