import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { findHttpBackend, servingEnvironment } from '../git/http-backend.ts';
import { gitVersion } from '../git/version.ts';
import { type Certificate, readCertificate, realRoot } from './beforehand.ts';
import { Cache, type CacheOptions } from './cache.ts';
import { parseTrustedProxies } from './client-address.ts';
import { findRepository } from './find-repository.ts';
import { type ListenAddress, serverUrl } from './listen-address.ts';
import { Login } from './login.ts';
import { SitePage } from './page/site-page.ts';
import { PATIENCE, type Patience } from './patience.ts';
import { Repositories, type Serving } from './repositories.ts';
import { Site } from './site.ts';
import { Turns } from './turns.ts';

/** What is served, and how. */
export interface ServeOptions {
  /** The folder with the repositories, or the cache of those of others. */
  root: string | CacheOptions;
  listen: ListenAddress;
  env: Environment;
  /** So many requests have git at work at a time. */
  maxChildren: number;
  /** Files in PEM; both or none. */
  tls?: { key: string; cert: string } | undefined;
  /** A file of logins; without it everybody is let in. */
  htpasswd?: string | undefined;
  /** Addresses and ranges of proxies, whose `X-Forwarded-For` counts. */
  trustedProxies?: readonly string[] | undefined;
  /** Which gam this is, for its page at `/-/`; without, there is none. `checkMirrors`: mirrors are looked at also while nobody looks. */
  page?: { version: string; checkMirrors: boolean } | undefined;
  /** Takes a line for each request. */
  log: (line: string) => void;
  /** Takes what the administrator should see to. */
  warn: (line: string) => void;
  patience?: Patience;
}

/** A server that listens. */
export interface RunningServer {
  /** `http://<host>:<port>/`, or https; the port is the real one. */
  readonly url: string;
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
      const message = taken ? `${where}: the port is taken` : `${where}: ${cause.message}`;
      reject(new GamError('cannot-listen', message, { suggestion, cause }));
    });
    server.listen(port, host, resolve);
  });
}

/**
 * Serves the repositories under a folder by smart and dumb http, until it is told to stop.
 * @throws GamError `bad-root`, `bad-certificate`, `bad-htpasswd`, `git-missing` or `cannot-listen`, before anything is served
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { listen, log, patience = PATIENCE, warn } = options;
  const env = servingEnvironment(options.env);
  const tls = options.tls === undefined ? null : await readCertificate(options.tls);
  const login = options.htpasswd === undefined ? null : await Login.open(options.htpasswd, warn);
  const program = await findHttpBackend(options.env);
  const { cache, find, root } = await placesOf(options.root, env, log);
  const { Metrics } = await import('./metrics.ts');
  const turns = new Turns(options.maxChildren);
  const metrics = new Metrics(turns, cache?.counts);
  const git = await gitVersion({ env });
  const parts = { root, env, git, totals: () => metrics.totals(), warn };
  const site = new Site({
    repositories: new Repositories({ find, program, env, turns, patience, warn }),
    metrics,
    page: options.page === undefined ? null : new SitePage({ ...parts, ...options.page }),
    login,
    isTrusted: parseTrustedProxies(options.trustedProxies ?? []),
    log,
  });
  const server = open(site, tls, patience);
  await listening(server, listen).catch(async (error) => {
    await cache?.close();
    throw error;
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: serverUrl(tls === null ? 'http' : 'https', { host: listen.host, port }),
    stop: async () => {
      await Promise.all([site.stop(server, patience.stop), cache?.stop()]);
      await cache?.close();
    },
    end: () => site.end(server),
  };
}

/** Where requests are answered from. */
async function placesOf(
  root: ServeOptions['root'],
  env: Environment,
  log: (line: string) => void,
): Promise<{ root: string; cache?: Cache; find: Serving['find'] }> {
  if (typeof root === 'string') {
    const real = await realRoot(root);
    return { root: real, find: (service) => findRepository(real, service) };
  }
  const cache = await Cache.open(root, env, log);
  return { root: cache.root, cache, find: (service, exchange) => cache.find(service, exchange) };
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
