import type { StdioOptions } from 'node:child_process';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { familyOf, signalAll } from './descendants.ts';
import { type Environment, NO_PROMPTS } from './environment.ts';
import { startTied } from './lifeline.ts';
import { type Exit, endGroup, endWith, type Started, startProcess } from './process.ts';

/** How one git command is run to its end. */
export interface RunOptions {
  cwd?: string;
  env?: Environment;
  /** Written to the command's standard input, which is then closed. */
  input?: string | Buffer;
  /** Ends the command. */
  signal?: AbortSignal;
  /**
   * For a command that talks to a server: whom git has started for that is then ended, too. git's helpers learn of its
   * end only when they next write to it, and hold its standard error meanwhile; a server may be silent for ever. One that
   * talks `alone` asks the user for nothing, and ends with this process also where that is killed (lifeline.ts); it needs `env`.
   */
  talks?: 'alone' | 'asking';
  /** `latin1` for output with names of files, which may be any bytes: one character for each byte. Without it UTF-8. */
  encoding?: 'latin1';
  /** Told of standard error as it comes, for a terminal. */
  echo?: (text: string) => void;
}

/** What a git command left; `stdout` and `stderr` are whole. */
export interface RunResult extends Exit {
  stdout: string;
  stderr: string;
}

async function collect(
  stream: NodeJS.ReadableStream | null,
  encoding: BufferEncoding,
  echo?: (text: string) => void,
): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) {
    chunks.push(chunk as Buffer);
    echo?.(String(chunk));
  }
  return Buffer.concat(chunks).toString(encoding);
}

interface Begun extends Started {
  /** Undefined where the command ends by a signal of its own. */
  end?: () => void;
}

function begin(args: readonly string[], { input, signal, talks, ...start }: RunOptions): Begun {
  const stdio: StdioOptions = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
  if (talks === undefined)
    return startProcess('git', args, { ...start, stdio, ...(signal ? { signal } : {}) });
  if (talks === 'asking') {
    const started = startProcess('git', args, { ...start, stdio });
    return { ...started, end: () => void endFamily(started) };
  }
  const env = { ...start.env, ...NO_PROMPTS };
  const started = startTied('git', args, { ...start, env, stdio });
  return { ...started, end: () => endGroup(started.child, started.exit) };
}

async function endFamily({ child, exit }: Started): Promise<void> {
  if (child.pid === undefined) return;
  // Before git is ended: after it, nobody could tell whose the others were.
  const family = await familyOf(child.pid);
  endWith((signal) => signalAll(family, signal), exit);
}

/** Runs `git <args>` and returns how it ended; a failing command is a result for the caller to judge. */
export async function runGit(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { input, signal, encoding = 'utf8' } = options;
  const { child, exit, end = () => undefined } = begin(args, options);
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end, { once: true });
  // A command that ends before it has read everything breaks the pipe; its exit status tells why.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  try {
    const [how, stdout, stderr] = await Promise.all([
      exit,
      collect(child.stdout, encoding),
      collect(child.stderr, 'utf8', options.echo),
    ]);
    return { ...how, stdout, stderr };
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/**
 * Runs `git <args>` and returns its standard output.
 * @throws GamError `git-failed` when it does not exit with 0; the message holds git's own last words
 */
export async function gitOutput(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await runGit(args, options);
  if (result.status === 0) return result.stdout;
  const words = result.stderr.trim().split('\n').at(-1) ?? '';
  const command = args.find((word, index) => word !== '-c' && args[index - 1] !== '-c') ?? '';
  throw new GamError('git-failed', `git ${command} failed: ${printable(words)}`);
}
