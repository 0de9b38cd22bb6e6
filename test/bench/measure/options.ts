import { parseArgs } from 'node:util';
import type { Row } from './row.ts';

/** What the user asked for. */
export interface BenchOptions {
  /** A path or URL; undefined: a generated repository. */
  source: string | undefined;
  rows: readonly Row[];
  /** How often each way runs; undefined: as often as its row says. */
  rounds: number | undefined;
  /** Whether the results go into the project, too. */
  write: boolean;
}

/** How the command is called. */
export function usage(rows: readonly Row[]): string {
  return [
    'usage: npm run bench -- [--only <row>]... [--rounds <n>] [--write] [<url or path>]',
    '',
    ...rows.map(({ name, title }) => `  ${name.padEnd(18)}${title}`),
  ].join('\n');
}

/**
 * Reads the arguments.
 * @throws Error, worded for the user, for what is not understood
 */
export function readOptions(args: readonly string[], rows: readonly Row[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const { only, rounds, write } = values;
  const unknown = only.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) throw new Error(`there is no row '${unknown}'`);
  if (rounds !== undefined && !/^[1-9][0-9]{0,3}$/.test(rounds)) throw new Error(`--rounds ${rounds}?`);
  if (positionals.length > 1) throw new Error('one repository at a time');
  return {
    source: positionals[0],
    rows: only.length === 0 ? rows : rows.filter((row) => only.includes(row.name)),
    rounds: rounds === undefined ? undefined : Number(rounds),
    write,
  };
}
