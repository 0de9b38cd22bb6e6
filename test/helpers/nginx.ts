import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { untilNothing } from './bystanders.ts';
import type { Running } from './child.ts';
import { installed } from './installed.ts';
import { closedPort } from './listening.ts';
import type { Sandbox } from './sandbox.ts';

/** Why there can be no real nginx here; null where there can. */
export const NO_NGINX =
  installed('nginx') === null || installed('fcgiwrap') === null
    ? 'no nginx and fcgiwrap on this machine (Debian: nginx-light, fcgiwrap)'
    : null;

/** An nginx on 127.0.0.1. */
export interface Nginx {
  /** Without a slash at its end. */
  readonly url: string;
  /** Kills it, as a machine does that goes down. */
  kill(): Promise<void>;
  /** Starts it anew, at the same port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Whether somebody takes connections there. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const TEMPORARY = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi'];

/**
 * Starts an nginx with one server.
 * @param name of its folder in the sandbox
 * @param server what stands in the server's block; `<port>` is its port, `<dir>` its folder
 */
export async function startNginx(sandbox: Sandbox, name: string, server: string): Promise<Nginx> {
  const dir = sandbox.path(name);
  mkdirSync(dir);
  const port = await closedPort();
  const user = userInfo();
  const temporary = TEMPORARY.map((what) => `${what}_temp_path ${dir}/${what};`);
  const config = `daemon off;
worker_processes 1;
pid ${dir}/pid;
error_log ${dir}/error.log info;
${user.uid === 0 ? `user ${user.username};` : ''}
events {}
http {
  access_log ${dir}/access.log;
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${server.replaceAll('<port>', `${port}`).replaceAll('<dir>', dir)}
  }
}
`;
  writeFileSync(`${dir}/conf`, config);
  let running: Running | null = null;
  const start = async () => {
    const args = ['-c', `${dir}/conf`, '-p', dir, '-e', `${dir}/error.log`];
    running = sandbox.start(installed('nginx') ?? '', args, { timeout: 240_000, env: sandbox.serverEnv });
    let failed = false;
    running.ended
      .catch(() => undefined)
      .finally(() => {
        failed = true;
      });
    const isMissing = async () => (failed || (await listens(port)) ? [] : ['nobody listens']);
    const missing = await untilNothing(isMissing);
    if (failed || missing.length > 0) throw new Error(`nginx does not start: see ${dir}/error.log`);
  };
  const end = async (signal: NodeJS.Signals) => {
    running?.kill(signal);
    await running?.ended;
    running = null;
  };
  await start();
  return { url: `http://127.0.0.1:${port}`, start, kill: () => end('SIGKILL'), close: () => end('SIGTERM') };
}

/** git http-backend behind nginx, in the way of git-http-backend(1), "Lighttpd" and "Apache", by fcgiwrap(8). */
export interface GitFcgi {
  /** What a location says that answers by it; what is behind the location's name is the path of a repository. */
  readonly location: string;
  close(): Promise<void>;
}

/** Starts fcgiwrap for the repositories in a folder of the sandbox. */
export async function startGitFcgi(sandbox: Sandbox, root: string): Promise<GitFcgi> {
  const socket = sandbox.path('fcgi.sock');
  const { stdout } = await sandbox.git(['--exec-path']);
  const running = sandbox.start(installed('fcgiwrap') ?? '', ['-c', '4', '-s', `unix:${socket}`], {
    timeout: 240_000,
    env: sandbox.serverEnv,
  });
  const { PATH = '', HOME = '' } = sandbox.serverEnv;
  const params = {
    SCRIPT_FILENAME: `${stdout.trim()}/git-http-backend`,
    GIT_PROJECT_ROOT: sandbox.path(root),
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: '$1',
    QUERY_STRING: '$query_string',
    REQUEST_METHOD: '$request_method',
    CONTENT_TYPE: '$content_type',
    CONTENT_LENGTH: '$content_length',
    // Of itself http-backend looks at the header since git 2.34.
    GIT_PROTOCOL: '$http_git_protocol',
    REMOTE_USER: '$remote_user',
    REMOTE_ADDR: '$remote_addr',
    PATH,
    HOME,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const lines = Object.entries(params).map(([key, value]) => `fastcgi_param ${key} ${value};`);
  return {
    location: [...lines, `fastcgi_pass unix:${socket};`, 'fastcgi_read_timeout 60s;'].join('\n    '),
    async close() {
      running.kill('SIGTERM');
      await running.ended;
    },
  };
}
