import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../git/environment.ts';
import { type Exit, endProcess, startProcess } from '../git/process.ts';
import type { WebUrl } from '../protocol/git-url.ts';

/** git's own web helper, started, with its standard input and output as pipes. */
export interface WebHelper {
  /** What was started, to be compared with what is wanted. */
  words: readonly string[];
  input: Writable;
  output: Readable;
  exit: Promise<Exit>;
  /** Ends it, if it still runs. */
  end(): void;
  /** Lets it end by itself: its input has ended. */
  leave(): void;
}

/**
 * The words that start git's own helper for a web URL. git puts the folder of its helpers first on the PATH
 * of every helper, so that the program is found there and need not be asked of `git remote-<scheme>`, which
 * costs one process more on every fetch.
 */
export function webHelper(remote: string, url: WebUrl, env: Environment): [string, ...string[]] {
  const [first = ''] = (env['PATH'] ?? '').split(delimiter);
  const program = join(first, `git-remote-${url.scheme}`);
  return first !== '' && existsSync(program)
    ? [program, remote, url.url]
    : ['git', `remote-${url.scheme}`, remote, url.url];
}

/**
 * Starts git's own web helper. It contacts nobody before it is told to, so it may be started on a guess, while
 * it is still being worked out whether and how it is needed.
 */
export function startWebHelper(words: readonly [string, ...string[]], env: Environment): WebHelper {
  const [command, ...args] = words;
  const { child, exit } = startProcess(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const input = child.stdin as Writable;
  input.on('error', () => undefined);
  return {
    words,
    input,
    output: child.stdout as Readable,
    exit,
    end: () => endProcess(child),
    leave: () => undefined,
  };
}
