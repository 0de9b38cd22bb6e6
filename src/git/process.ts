import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { GamError } from '../errors.ts';
import type { Environment } from './environment.ts';

/** How long a child may take to end after SIGTERM before it gets SIGKILL. */
const GRACE_MS = 2000;

/** How a child process is started. */
export interface StartOptions {
  cwd?: string;
  env?: Environment;
  stdio?: StdioOptions;
  /** Ends the child: SIGTERM at once, SIGKILL after two seconds. */
  signal?: AbortSignal;
  /** True: the child leads a process group of its own, and outlives this process. */
  detached?: boolean;
}

/** How a child process ended. A status other than 0 is a result, not an exception. */
export interface Exit {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process and the promise of its end; the promise rejects only when it could not be started. */
export interface Started {
  child: ChildProcess;
  exit: Promise<Exit>;
}

const ending = new Set<Promise<void>>();

/** What stands before every command that is started from now on; see shieldChildren(). */
let shielded: (command: string, args: readonly string[]) => readonly [string, ...string[]] = (
  command,
  args,
) => [command, ...args];

/**
 * Has every child of this process started in another way, as behind a shield (shield.ts). To be called before the
 * first one is.
 */
export function shieldChildren(start: typeof shielded): void {
  shielded = start;
}

/** Ends a child that may still run: SIGTERM, then SIGKILL when it does not obey. */
export function endProcess(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || child.killed) return;
  const gone = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  endWith((signal) => child.kill(signal), gone);
}

/**
 * Ends a process: SIGTERM, then SIGKILL when it does not obey.
 *
 * @param kill sends it a signal
 * @param gone settles once it has ended
 */
export function endWith(kill: (signal: NodeJS.Signals) => void, gone: Promise<unknown>): void {
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), GRACE_MS);
  const over = () => clearTimeout(timer);
  const ended = gone.then(over, over);
  ending.add(ended);
  void ended.then(() => ending.delete(ended));
}

/**
 * Ends a child that leads a process group of its own (`detached`), and all that it has started in there: SIGTERM, then
 * SIGKILL for what does not obey. git http-backend alone would leave upload-pack and pack-objects at work.
 *
 * @param gone settles once the child has ended, and its pipes are closed
 */
export function endGroup({ pid }: ChildProcess, gone: Promise<unknown>): void {
  endWith((signal) => signalGroup(pid, signal), gone);
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}

/** Waits for the end of every child that was told to end; one that does not obey would outlive this process. */
export async function processesEnded(): Promise<void> {
  await Promise.all(ending);
}

/**
 * Starts one process, never through a shell. The only door to node:child_process.
 * @throws GamError `git-missing` (through `exit`) when the program cannot be started
 */
export function startProcess(command: string, args: readonly string[], options: StartOptions = {}): Started {
  const [program, ...words] = shielded(command, args);
  const child = spawn(program, words, {
    stdio: options.stdio ?? 'pipe',
    windowsHide: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.detached === undefined ? {} : { detached: options.detached }),
  });
  const { signal } = options;
  const abort = () => endProcess(child);
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  const exit = new Promise<Exit>((resolve, reject) => {
    child.once('error', (cause) => {
      signal?.removeEventListener('abort', abort);
      const message = `cannot start ${command}: ${cause.message}`;
      reject(
        new GamError('git-missing', message, { suggestion: 'check that it is installed and on PATH', cause }),
      );
    });
    child.once('close', (status, signalName) => {
      signal?.removeEventListener('abort', abort);
      resolve({ status, signal: signalName });
    });
  });
  // Whoever only talks to the streams still learns of the failure from them; nobody need await this.
  exit.catch(() => undefined);
  return { child, exit };
}
