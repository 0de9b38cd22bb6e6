import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { WatchStatus } from '../../src/sync/status-file.ts';
import type { Running } from './child.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { initBare } from './repository.ts';
import { makeSandbox, type Sandbox } from './sandbox.ts';

/** How long something that comes about by itself may take, on a busy machine. */
const PATIENCE_MS = 60_000;
const STEP_MS = 50;

/** A machine on which folders are watched: a home of its own, with a list of its own. */
export interface Machine {
  readonly env: Readonly<Record<string, string>>;
  /** Its clone, in the sandbox. */
  readonly clone: string;
  path(...parts: string[]): string;
  write(name: string | Buffer, content: string | Buffer): void;
  read(name: string): string | null;
  git(...args: string[]): Promise<string>;
  gam(...args: string[]): Promise<string>;
  /** Starts `gam watch run`, and waits until the folder is in step for the first time. */
  watch(): Promise<Running>;
  status(): WatchStatus['folders'][number] | null;
  /** Waits for a status of the folder. */
  is(what: (status: WatchStatus['folders'][number]) => boolean): Promise<void>;
}

/** Machines that share a remote, behind a server of the web. */
export interface WatchScene {
  readonly sandbox: Sandbox;
  readonly server: HttpServer;
  /** A machine with a clone of the remote that is on its list. @param url of the server, where it is another one, as a line */
  machine(name: string, flags?: readonly string[], url?: string): Promise<Machine>;
  git(repository: string, ...args: string[]): Promise<string>;
  tip(repository: string): Promise<string>;
  close(): Promise<void>;
}

/** Waits until something is so; its end tells what was waited for. */
export async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`never so: ${what}`);
    await pause(STEP_MS);
  }
}

/** Opens a sandbox with a remote that has one commit; whoever opens it closes it. */
export async function openWatchScene(): Promise<WatchScene> {
  const sandbox = makeSandbox();
  const git: WatchScene['git'] = async (repository, ...args) =>
    (await sandbox.git(args, { cwd: repository })).stdout.trimEnd();
  mkdirSync(sandbox.path('served'));
  await initBare(sandbox, 'served/remote.git');
  await sandbox.git(['clone', '-q', 'served/remote.git', 'first']);
  writeFileSync(sandbox.path('first/shared'), '1\n2\n3\n');
  await git('first', 'add', '.');
  await git('first', 'commit', '-q', '-m', 'first');
  await git('first', 'push', '-q', 'origin', 'main');
  const server = await startHttpServer({
    root: sandbox.path('served'),
    env: sandbox.serverEnv,
    push: true,
  });

  const machine: WatchScene['machine'] = async (name, flags = [], url = server.url) => {
    const home = sandbox.path(name);
    mkdirSync(home, { recursive: true });
    const env = {
      ...sandbox.env,
      XDG_CONFIG_HOME: `${home}/config`,
      XDG_STATE_HOME: `${home}/state`,
    };
    const clone = `${name}/clone`;
    await sandbox.git(['clone', '-q', `${url}/remote.git`, clone], { env });
    const path: Machine['path'] = (...parts) => sandbox.path(clone, ...parts);
    const gam: Machine['gam'] = async (...args) => (await sandbox.run('gam', args, { env })).stdout;
    await gam('watch', 'add', path(), ...(flags.includes('--delay') ? [] : ['--delay', '100ms']), ...flags);
    const status: Machine['status'] = () => {
      try {
        const said = JSON.parse(readFileSync(`${home}/state/gam/watch/status.json`, 'utf8')) as WatchStatus;
        return said.folders[0] ?? null;
      } catch {
        return null;
      }
    };
    return {
      env,
      clone,
      path,
      gam,
      status,
      write: (file, content) =>
        writeFileSync(Buffer.concat([Buffer.from(`${path()}/`), Buffer.from(file)]), content),
      read: (file) => {
        try {
          return readFileSync(path(file), 'utf8');
        } catch {
          return null;
        }
      },
      git: (...args) => git(clone, ...args),
      is: (what) =>
        until(`${String(what)} of ${name}`, () => {
          const found = status();
          return found !== null && what(found);
        }).catch((error: Error) => {
          throw new Error(`${error.message}; it is ${JSON.stringify(status())}`);
        }),
      watch: async () => {
        const running = sandbox.start('gam', ['watch', 'run', '--json'], { env, timeout: 600_000 });
        await running.saw('stdout', /"words":"watched"/);
        return running;
      },
    };
  };
  return {
    sandbox,
    server,
    machine,
    git,
    tip: (repository) => git(repository, 'rev-parse', 'refs/heads/main'),
    close: async () => {
      await server.close();
      await sandbox.close();
    },
  };
}
