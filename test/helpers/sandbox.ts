import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bystander, bystanders, untilNothing } from './bystanders.ts';
import { type ChildOptions, type Ended, type Running, startChild } from './child.ts';

/** Marks every process that descends from a sandbox, even one that left its process group. */
const MARKER = 'GAM_TEST_SANDBOX';

// git does not tidy up by itself: that is a process more each time, and a copy of a clone would get its lock. Nor does it
// copy a dozen examples of hooks into each repository. Before 2.26 it speaks version 0 unless it is told.
const CONFIG = `[init]
\tdefaultBranch = main
\ttemplateDir =
[advice]
\tdetachedHead = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[protocol]
\tversion = 2
`;

/** How one command is run in a sandbox; `cwd` is absolute or relative to its folder. */
export interface RunInSandbox {
  cwd?: string;
  /** Added to the sandbox's environment; undefined removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  input?: string | Buffer;
  /** The status it must end with; null takes any. */
  expectStatus?: number | null;
  /** Milliseconds. */
  timeout?: number;
}

/** A scratch folder with a home of its own, where nothing of the user's git shows through. */
export interface Sandbox {
  /** The folder, without symbolic links in its path. */
  readonly root: string;
  /** What processes in it get as environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The same for servers: they are not the sandbox's children, so they carry no marker. */
  readonly serverEnv: Readonly<Record<string, string>>;
  path(...parts: string[]): string;
  /** Runs `git <args>` to its end; throws with all it said when the status is not the expected one (0). */
  git(args: readonly string[], options?: RunInSandbox): Promise<Ended>;
  /** As git(), for any program. */
  run(command: string, args: readonly string[], options?: RunInSandbox): Promise<Ended>;
  /** Starts a program and returns while it runs. */
  start(command: string, args: readonly string[], options?: RunInSandbox): Running;
  /** Processes of this sandbox that live now; on Linux only. */
  living(): Bystander[];
  /** Ends everything that still runs in it, and removes the folder. */
  close(): Promise<void>;
}

function layOut(root: string): { home: string; bin: string; tmp: string } {
  const [home, bin, tmp] = [join(root, 'home'), join(root, 'bin'), join(root, 'tmp')];
  for (const folder of [home, bin, tmp]) mkdirSync(folder);
  writeFileSync(join(home, '.gitconfig'), CONFIG);
  const launchers = fileURLToPath(new URL('../../bin/', import.meta.url));
  symlinkSync(join(launchers, 'git-remote-mirror'), join(bin, 'git-remote-mirror'));
  symlinkSync(join(launchers, 'run.js'), join(bin, 'gam'));
  return { home, bin, tmp };
}

// git before 2.32 does not know GIT_CONFIG_GLOBAL; it finds the same file through HOME.
function environment(root: string): Record<string, string> {
  const { home, bin, tmp } = layOut(root);
  return {
    PATH: [bin, process.env['PATH'] ?? ''].join(delimiter),
    HOME: home,
    TMPDIR: tmp,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_STATE_HOME: join(home, '.local/state'),
    XDG_CACHE_HOME: join(home, '.cache'),
    GIT_CONFIG_GLOBAL: join(home, '.gitconfig'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada Author',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_AUTHOR_DATE: '1700000000 +0000',
    GIT_COMMITTER_NAME: 'Carl Committer',
    GIT_COMMITTER_EMAIL: 'carl@example.com',
    GIT_COMMITTER_DATE: '1700000000 +0000',
    LC_ALL: 'C',
    TZ: 'UTC',
  };
}

function merged(
  env: Readonly<Record<string, string>>,
  changes: RunInSandbox['env'] = {},
): Record<string, string> {
  const both = Object.entries({ ...env, ...changes });
  return Object.fromEntries(both.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** Makes a sandbox in the system's folder for temporary files; close() it in the end. */
export function makeSandbox(): Sandbox {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'gam-')));
  const serverEnv = environment(root);
  const env = { ...serverEnv, [MARKER]: root };
  const path = (...parts: string[]) => join(root, ...parts);
  const running = new Set<Running>();

  const start: Sandbox['start'] = (command, args, options = {}) => {
    const { cwd = '.', env: changes, input, timeout } = options;
    const child: ChildOptions = { cwd: resolve(root, cwd), env: merged(env, changes) };
    if (input !== undefined) child.input = input;
    if (timeout !== undefined) child.timeout = timeout;
    const started = startChild(command, args, child);
    running.add(started);
    const forget = () => running.delete(started);
    started.ended.then(forget, forget);
    return started;
  };
  const run: Sandbox['run'] = async (command, args, options = {}) => {
    const { expectStatus = 0 } = options;
    const ended = await start(command, args, options).ended;
    if (expectStatus === null || ended.status === expectStatus) return ended;
    const how = ended.signal ?? `status ${ended.status}`;
    throw new Error(
      `${how}, not ${expectStatus}: ${[command, ...args].join(' ')}\n${ended.stdout}${ended.stderr}`,
    );
  };
  const living = () => bystanders(MARKER, root);
  const close = async () => {
    for (const started of running) started.kill('SIGKILL');
    await Promise.allSettled([...running].map((started) => started.ended));
    await untilNothing(() => {
      const left = living();
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended in the meantime.
        }
      }
      return left;
    });
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  };
  const git: Sandbox['git'] = (args, options) => run('git', args, options);
  return { root, env, serverEnv, path, git, run, start, living, close };
}
