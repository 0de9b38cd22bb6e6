import { type ChildProcess, spawn } from 'node:child_process';
import { endWithUs } from '../../src/git/lifeline.ts';

/** A process that takes longer than this hangs; its group is killed and the run fails. */
const TIMEOUT_MS = 60_000;

/** How a child process is started; `env` is its whole environment. */
export interface ChildOptions {
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed; without it the child reads /dev/null. */
  input?: string | Buffer;
  /** Milliseconds after which its process group gets SIGKILL. */
  timeout?: number;
}

/** How a child process ended, with everything it said. */
export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A child process under way. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves when it has ended and all its output is read; rejects when it overran its time. */
  readonly ended: Promise<Ended>;
  /** Resolves as soon as what it has written so far matches; rejects when it ends without. */
  saw(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal to the whole process group; nothing happens when it is gone. */
  kill(signal: NodeJS.Signals): void;
}

/** Sends a signal to a process group whose leader may be gone already. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Everyone in the group has ended.
  }
}

/**
 * Starts a process at the head of its own process group, so that a time-out reaches whatever it started. It does not
 * outlive this one, also where this one is killed.
 * The end is waited for until its output is closed: a grandchild that keeps a pipe open shows as a hang,
 * just as it would in a user's shell pipe.
 */
export function startChild(command: string, args: readonly string[], options: ChildOptions): Running {
  const { cwd, env, input, timeout = TIMEOUT_MS } = options;
  const stdin = input === undefined ? 'ignore' : 'pipe';
  const child = spawn(command, args, { cwd, env, stdio: [stdin, 'pipe', 'pipe'], detached: true });
  const callOff = child.pid === undefined ? () => undefined : endWithUs(child.pid);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  child.stdin?.on('error', () => undefined).end(input);
  const line = [command, ...args].join(' ');
  const ended = new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => {
      killGroup(child.pid, 'SIGKILL');
      reject(new Error(`no end after ${timeout} ms: ${line}\n${said.stdout}\n${said.stderr}`));
    }, timeout);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (status, signal) => {
      callOff();
      clearTimeout(timer);
      resolve({ status, signal, ...said });
    });
  });
  ended.catch(() => undefined);
  const saw: Running['saw'] = (stream, pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(said[stream]);
        if (match) resolve(match);
      };
      child[stream]?.on('data', look);
      look();
      const miss = () =>
        reject(new Error(`never saw ${pattern} from ${line}\n${said.stdout}\n${said.stderr}`));
      ended.then(miss, miss);
    });
  return { child, ended, saw, kill: (signal) => killGroup(child.pid, signal) };
}
