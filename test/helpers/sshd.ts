import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { installed } from './installed.ts';
import { Connections, listen } from './listening.ts';
import type { Sandbox } from './sandbox.ts';

/** A folder that sshd wants when root starts it; Debian makes it when the service starts. */
const PRIVILEGES = '/run/sshd';

/** Why there can be no real sshd here; null where there can. */
export const NO_SSHD =
  installed('sshd') === null || installed('ssh') === null
    ? 'no OpenSSH server and client on this machine (Debian: openssh-server)'
    : userInfo().uid === 0 && !existsSync(PRIVILEGES)
      ? `sshd wants ${PRIVILEGES} when root starts it`
      : null;

/** OpenSSH's own server, which lets in the user who runs the tests. */
export interface Sshd {
  /** `ssh://127.0.0.1:<port>`, to which a path is added. */
  readonly url: string;
  /** What git needs in its environment to log in with a key. */
  env(key: string): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Lets OpenSSH's server take connections to a free port of 127.0.0.1, with keys and configuration of its own. Nobody but
 * the listener here stays when they have ended: each has a `sshd -i`, as under inetd(8).
 *
 * @param keys names of the keys that are let in, each with what stands before it in authorized_keys (sshd(8))
 * @param env what sessions get as environment
 */
export async function startSshd(
  sandbox: Sandbox,
  keys: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<Sshd> {
  const path = (name: string) => sandbox.path(`ssh-${name}`);
  const keyOf = (file: string) => readFileSync(file, 'utf8').trim();
  for (const name of ['host', ...Object.keys(keys)])
    await sandbox.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path(name)]);
  const lines = Object.entries(keys).map(([name, options]) => `${options} ${keyOf(`${path(name)}.pub`)}\n`);
  writeFileSync(path('authorized'), lines.map((line) => line.trimStart()).join(''), { mode: 0o600 });
  const variables = Object.entries(env).map(([name, value]) => `"${name}=${value}"`);
  const config = {
    HostKey: path('host'),
    AuthorizedKeysFile: path('authorized'),
    // The folder above is writable to everybody, as folders for temporary files are.
    StrictModes: 'no',
    UsePAM: 'no',
    PermitRootLogin: 'yes',
    AcceptEnv: 'GIT_PROTOCOL',
    SetEnv: variables.join(' '),
    PidFile: 'none',
  };
  const text = Object.entries(config).map(([key, value]) => `${key} ${value}\n`);
  writeFileSync(path('config'), text.join(''));

  const connections = new Connections();
  const sessions = new Set<ChildProcess>();
  // Only a descriptor that nobody here reads can be handed on whole.
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections.add(socket);
    const session = spawn(installed('sshd') ?? '', ['-i', '-f', path('config')], {
      env: { ...sandbox.serverEnv },
      stdio: [socket, socket, 'ignore'],
    });
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.once('spawn', () => socket.destroy()).once('error', () => socket.destroy());
  });
  const port = await listen(server);
  writeFileSync(path('known'), `[127.0.0.1]:${port} ${keyOf(`${path('host')}.pub`)}\n`);
  const client = {
    User: userInfo().username,
    UserKnownHostsFile: path('known'),
    StrictHostKeyChecking: 'yes',
    IdentitiesOnly: 'yes',
    BatchMode: 'yes',
    LogLevel: 'ERROR',
  };
  const settings = Object.entries(client).map(([key, value]) => `${key} ${value}\n`);
  writeFileSync(path('client'), settings.join(''));
  return {
    url: `ssh://127.0.0.1:${port}`,
    env: (key) => ({ GIT_SSH_COMMAND: `ssh -F '${path('client')}' -i '${path(key)}'` }),
    async close() {
      await connections.close(server);
      const ended = [...sessions].map((session) => once(session, 'close'));
      for (const session of sessions) session.kill();
      await Promise.all(ended);
    },
  };
}
