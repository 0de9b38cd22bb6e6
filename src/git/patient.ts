import { NO_PROMPTS } from './environment.ts';
import { startTied } from './lifeline.ts';
import { endGroup } from './process.ts';
import type { RunOptions } from './run.ts';

/** How a command that talks to a server ended. */
export interface Talked {
  status: number | null;
  stdout: string;
  stderr: string;
  /** Whether it was ended since nothing came any more. */
  silent: boolean;
}

/** What git has said is read within this time behind its end. */
const LAST_WORDS_MS = 2000;

/**
 * Runs git for as long as somebody says something: it draws its progress on standard error (--progress), and so does the other
 * side. Nobody is asked for anything, and none of it outlives this process.
 *
 * @param patienceMs whoever is silent for so long is not there
 */
export async function runPatiently(
  args: readonly string[],
  { cwd, env, signal, echo }: RunOptions,
  patienceMs: number,
): Promise<Talked> {
  const { child, exit } = startTied('git', args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env, ...NO_PROMPTS, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, silent] = ['', '', false];
  // git's helpers learn of its end only when they next write to it.
  const abort = () => endGroup(child, exit);
  const timer = setTimeout(() => {
    silent = true;
    abort();
  }, patienceMs);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    timer.refresh();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    echo?.(text);
    timer.refresh();
  });
  // A helper that outlives a git which was killed holds its pipes, and may wait for a silent server for ever.
  let left: NodeJS.Timeout | undefined;
  child.once('exit', () => {
    left = setTimeout(() => {
      abort();
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, LAST_WORDS_MS);
  });
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const { status } = await exit;
    return { status, stdout, stderr, silent };
  } finally {
    clearTimeout(timer);
    clearTimeout(left);
    signal?.removeEventListener('abort', abort);
  }
}
