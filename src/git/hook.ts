import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { printable } from '../protocol/text.ts';
import { endProcess, startProcess } from './process.ts';
import { gitOutput, type RunOptions } from './run.ts';

/**
 * Where a repository has a hook (githooks(5)).
 * @returns null where it has none, or one that git would not run
 */
export async function findHook(name: string, options: RunOptions): Promise<string | null> {
  const named = await gitOutput(['rev-parse', '--git-path', `hooks/${name}`], options);
  const path = resolve(options.cwd ?? '.', named.trim());
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return null;
  }
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
