import { connect, type Socket } from 'node:net';
import { allValues } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { withoutRepository } from '../git/environment.ts';
import { dataPacket } from '../pkt-line/encode.ts';
import type { DaemonUrl } from '../protocol/git-url.ts';
import type { Connection, Opening } from './connection.ts';
import { processConnection } from './process-connection.ts';

const DEFAULT_PORT = '9418';

/**
 * The first request on a git:// line: service, path and host, and the protocol version behind a second NUL
 * (gitprotocol-pack(5), "Git Transport"; gitprotocol-v2(5)).
 */
export function daemonRequest(url: DaemonUrl, { service, version, env }: Opening): Buffer {
  const host = env['GIT_OVERRIDE_VIRTUAL_HOST'] ?? url.hostAndPort;
  const extra = version > 0 ? `\0version=${version}\0` : '';
  return dataPacket(`${service} ${url.path}\0host=${host}\0${extra}`).raw;
}

/** The program of GIT_PROXY_COMMAND or core.gitProxy for a host, and which of them names it; null for a direct connection. */
export function daemonProxy(
  host: string,
  { env, entries }: Pick<Opening, 'env' | 'entries'>,
): { program: string; from: string } | null {
  const named = env['GIT_PROXY_COMMAND'];
  if (named !== undefined) return named === '' ? null : { program: named, from: 'GIT_PROXY_COMMAND' };
  for (const value of allValues(entries, 'core', null, 'gitproxy')) {
    const [program = '', domain] = value.split(/ for (.*)/s, 2);
    if (domain !== undefined && host !== domain && !host.endsWith(`.${domain}`)) continue;
    return program === 'none' && domain !== undefined ? null : { program, from: 'core.gitProxy' };
  }
  return null;
}

function connected(url: DaemonUrl, opening: Opening): Promise<Socket> {
  const port = Number(url.port ?? DEFAULT_PORT);
  const family = { ipv4: 4, ipv6: 6 }[opening.family ?? ''] ?? 0;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.host, port, family, allowHalfOpen: true, keepAlive: true });
    const abort = () => socket.destroy(new Error('interrupted'));
    opening.signal?.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      socket.once('close', () => opening.signal?.removeEventListener('abort', abort));
      resolve(socket);
    });
    socket.once('error', (cause) => {
      opening.signal?.removeEventListener('abort', abort);
      reject(new GamError('canonical-down', `unable to connect to ${url.host}: ${cause.message}`, { cause }));
    });
  });
}

/**
 * Opens a service of a git daemon, directly or through the configured proxy program.
 * @throws GamError `canonical-down` when nobody answers; its cause is the socket's error
 */
export async function openDaemon(url: DaemonUrl, opening: Opening): Promise<Connection> {
  const proxy = daemonProxy(url.hostAndPort, opening);
  if (proxy !== null) {
    const env = withoutRepository(opening.env);
    const line = processConnection(proxy.program, [url.host, url.port ?? DEFAULT_PORT], env, opening);
    line.input.write(daemonRequest(url, opening));
    return line;
  }
  const socket = await connected(url, opening);
  socket.write(daemonRequest(url, opening));
  // A reset shows as the end of the stream; git then says that the remote end hung up.
  socket.on('error', () => socket.destroy());
  const exit = new Promise<{ status: number; signal: null }>((resolve) => {
    socket.once('close', () => resolve({ status: 0, signal: null }));
  });
  return {
    output: socket,
    input: socket,
    stateless: false,
    exit,
    stderr: null,
    close: () => socket.destroy(),
    leave: null,
  };
}
