import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { GamError } from '../errors.ts';
import { type Certificate, readCertificate, wordsOf } from './beforehand.ts';
import { parseTrustedProxies } from './client-address.ts';
import { type ListenAddress, serverUrl } from './listen-address.ts';
import { Login } from './login.ts';
import { PATIENCE, type Patience } from './patience.ts';
import { openServed, type ServedOptions } from './served.ts';
import { Site } from './site.ts';

/** What is served, and how. */
export interface ServeOptions extends Omit<ServedOptions, 'patience'> {
  listen: ListenAddress;
  /** Files in PEM; both or none. */
  tls?: { key: string; cert: string } | undefined;
  /** A file of logins; without it everybody is let in. */
  htpasswd?: string | undefined;
  /** Addresses and ranges of proxies, whose `X-Forwarded-For` counts. */
  trustedProxies?: readonly string[] | undefined;
  patience?: Patience;
}

/** A server that listens. */
export interface RunningServer {
  /** `http://<host>:<port>/`, or https; the port is the real one. */
  readonly url: string;
  /** How many requests are being answered. */
  readonly running: number;
  /** Takes no more connections, and lets running requests end for some seconds. Resolves when nothing is left. */
  stop(): Promise<void>;
  /** Ends everything at once; stop() then resolves. */
  end(): void;
}

function listening(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const where = `cannot listen on ${serverUrl('http', { host, port })}`;
      const taken = cause.code === 'EADDRINUSE';
      const suggestion = 'name another one by --listen <host>:<port>; port 0 is any that is free';
      const message = `${where}: ${taken ? 'the port is taken' : wordsOf(cause)}`;
      reject(new GamError('cannot-listen', message, { suggestion, cause }));
    });
    server.listen(port, host, resolve);
  });
}

/**
 * Serves the repositories under a folder by smart and dumb http, or those of another server, until it is told to stop.
 * @throws GamError `bad-root`, `bad-config`, `usage`, `bad-certificate`, `bad-htpasswd`, `git-missing` or `cannot-listen`, before anything is served
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { listen, log, patience = PATIENCE, warn } = options;
  const tls = options.tls === undefined ? null : await readCertificate(options.tls, warn);
  const login = options.htpasswd === undefined ? null : await Login.open(options.htpasswd, warn);
  const isTrusted = parseTrustedProxies(options.trustedProxies ?? []);
  const { cache, views, ...served } = await openServed({ ...options, patience });
  const site = new Site({ ...served, login, isTrusted, log });
  const server = open(site, tls, patience);
  await listening(server, listen).catch(async (error) => {
    await Promise.all([cache?.close(), views?.close()]);
    throw error;
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: serverUrl(tls === null ? 'http' : 'https', { host: listen.host, port }),
    get running() {
      return site.running;
    },
    stop: async () => {
      await Promise.all([site.stop(server, patience.stop), cache?.stop()]);
      await Promise.all([cache?.close(), views?.close()]);
    },
    end: () => {
      views?.end();
      site.end(server);
    },
  };
}

function open(site: Site, tls: Certificate | null, patience: Patience): Server {
  // Bodies take as long as they come (patience.ts), heads do not. A client that has vanished without a word is found out by
  // TCP. git asks again at once, or after it has thought, and then its connection is still there.
  const settings = {
    headersTimeout: patience.head,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: Math.min(patience.head, 5000),
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => site.take(request, response, false);
  const server =
    tls === null ? createHttpServer(settings, answer) : createTlsServer({ ...settings, ...tls }, answer);
  // Whoever waits for word to go on gets it when it is known that his body is wanted.
  server.on('checkContinue', (request, response) => site.take(request, response, true));
  return server;
}
