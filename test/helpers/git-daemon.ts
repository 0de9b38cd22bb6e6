import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { killGroup } from './child.ts';
import { Connections, listen } from './listening.ts';

/** What a `git://` server serves. */
export interface GitDaemonOptions {
  /** The folder that holds the repositories. */
  root: string;
  env: Readonly<Record<string, string>>;
  /** Takes pushes, from anyone. */
  push?: boolean;
  /** git configuration of the server. */
  config?: Readonly<Record<string, string>>;
  /** What is waited for before a connection is served. */
  before?: () => Promise<void>;
}

/** A `git://` server on 127.0.0.1. */
export interface GitDaemon {
  /** `git://127.0.0.1:<port>`, to which `/<repository>` is added. */
  readonly url: string;
  readonly port: number;
  /** Connections since the start. */
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  close(): Promise<void>;
}

/**
 * Serves a folder of repositories by git-daemon(1). The daemon itself cannot listen on a free port, so it
 * runs once per connection, as inetd would start it.
 */
export async function startGitDaemon(options: GitDaemonOptions): Promise<GitDaemon> {
  const { root, env, push = false, config = {}, before } = options;
  const settings = Object.entries(config).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const services = ['--enable=upload-archive', ...(push ? ['--enable=receive-pack'] : [])];
  const args = [...settings, 'daemon', '--inetd', '--export-all', `--base-path=${root}`, ...services];
  const connections = new Connections();
  const children = new Map<number | undefined, Promise<unknown>>();

  async function serve(socket: Socket): Promise<void> {
    connections.add(socket);
    await before?.();
    const child = spawn('git', args, { env, stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    const closed = once(child, 'close').catch(() => undefined);
    children.set(child.pid, closed);
    void closed.then(() => children.delete(child.pid));
    pipeline(socket, child.stdin).catch(() => undefined);
    pipeline(child.stdout, socket).catch(() => socket.destroy());
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket));
  const port = await listen(server);
  return {
    url: `git://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections.count;
    },
    get bytesIn() {
      return connections.bytesIn;
    },
    get bytesOut() {
      return connections.bytesOut;
    },
    async close() {
      await connections.close(server);
      for (const pid of children.keys()) killGroup(pid, 'SIGKILL');
      await Promise.all(children.values());
    },
  };
}
