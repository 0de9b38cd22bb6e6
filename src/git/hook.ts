import { accessSync, constants, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { printable } from '../protocol/text.ts';
import { KEPT_FOLDER } from './hook-folder.ts';
import { endProcess, startProcess } from './process.ts';
import { gitOutput, type RunOptions } from './run.ts';

/**
 * Where a bare repository has a hook (githooks(5)).
 * @param config of that repository: git need be asked only where it names another folder than its own
 * @returns null where it has none, or one that git would not run
 */
export async function findHook(
  name: string,
  gitDir: string,
  config: readonly ConfigEntry[],
  options: RunOptions,
): Promise<string | null> {
  const isElsewhere = lastValue(config, 'core', null, 'hookspath') !== undefined;
  const question = ['rev-parse', '--git-path', `hooks/${name}`];
  const path = isElsewhere
    ? resolve(options.cwd ?? '.', (await gitOutput(question, options)).trim())
    : join(gitDir, 'hooks', name);
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return null;
  }
}

/**
 * Whether a bare repository may have a hook beside gam's, that stood there before.
 * @param config of that repository
 */
export function hasKeptHook(name: string, gitDir: string, config: readonly ConfigEntry[]): boolean {
  const isElsewhere = lastValue(config, 'core', null, 'hookspath') !== undefined;
  return isElsewhere || existsSync(join(gitDir, 'hooks', KEPT_FOLDER, name));
}

/**
 * Runs a hook.
 * @param tell told what it prints, line by line
 * @returns whether it agrees
 */
export async function runHook(
  path: string,
  args: readonly string[],
  { cwd, env, signal }: RunOptions,
  tell: (line: string) => void,
): Promise<boolean> {
  const { child, exit } = startProcess(path, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(signal === undefined ? {} : { signal }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) tell(printable(line, 1000));
    });
    stream?.once('end', () => rest !== '' && tell(printable(rest, 1000)));
  }
  try {
    return (await exit).status === 0;
  } finally {
    endProcess(child);
  }
}
