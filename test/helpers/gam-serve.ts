import type { Ended, Running } from './child.ts';
import type { RunInSandbox, Sandbox } from './sandbox.ts';

/** A `gam serve` that listens. */
export interface GamServe {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the log has such a line. */
  logged(pattern: RegExp): Promise<RegExpExecArray>;
  /** Closes the pipe that its log goes into. */
  deafen(): void;
  signal(signal: NodeJS.Signals): void;
  /** Its end, however it comes. */
  readonly ended: Promise<Ended>;
  /** Stops it, if nobody has yet. */
  stop(): Promise<Ended>;
}

async function ready(running: Running): Promise<GamServe> {
  const [, url = '', port = ''] = await running.saw('stdout', /^listening on (https?:\/\/.*:([0-9]+))\/\n/);
  const pid = running.child.pid ?? 0;
  const signal = (name: NodeJS.Signals) => void running.child.kill(name);
  return {
    url,
    port: Number(port),
    pid,
    logged: (pattern) => running.saw('stderr', pattern),
    deafen: () => void running.child.stderr?.destroy(),
    signal,
    ended: running.ended,
    stop: () => {
      signal('SIGTERM');
      return running.ended;
    },
  };
}

/** Starts the built gam on a folder of the sandbox, at a free port of 127.0.0.1. */
export async function gamServe(
  sandbox: Sandbox,
  root: string,
  args: readonly string[] = [],
  options: RunInSandbox = {},
): Promise<GamServe> {
  const words = ['serve', '--listen', '127.0.0.1:0', ...args, sandbox.path(root)];
  return ready(sandbox.start('gam', words, { timeout: 120_000, ...options }));
}

/** What a cache is started with, beside what is told of any command. */
export interface CacheInSandbox extends RunInSandbox {
  /** The largest file that anything in it may write, in blocks of 512 bytes or a KiB. */
  fileLimit?: number;
}

/** Starts the built gam as a cache in a folder of the sandbox, for what is under some URLs. */
export async function gamCache(
  sandbox: Sandbox,
  folder: string,
  bases: readonly string[],
  args: readonly string[] = [],
  { fileLimit, ...options }: CacheInSandbox = {},
): Promise<GamServe> {
  const named = bases.flatMap((base) => ['--for', base]);
  const words = ['serve', '--listen', '127.0.0.1:0', '--cache', sandbox.path(folder), ...named, ...args];
  const limited = ['-c', `ulimit -f ${fileLimit} && exec gam "$@"`, 'gam', ...words];
  const [program, all] = fileLimit === undefined ? ['gam', words] : ['sh', limited];
  return ready(sandbox.start(program, all, { timeout: 120_000, ...options }));
}

/** Starts the built gam before another server, at a free port of 127.0.0.1. */
export async function gamServeUpstream(
  sandbox: Sandbox,
  url: string,
  args: readonly string[] = [],
  options: RunInSandbox = {},
): Promise<GamServe> {
  const words = ['serve', '--listen', '127.0.0.1:0', '--upstream', url, ...args];
  return ready(sandbox.start('gam', words, { timeout: 120_000, ...options }));
}
