import { execFileSync } from 'node:child_process';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { answerByCgi, cgiVariables } from './cgi.ts';
import { Greetings } from './greeting.ts';
import { Connections, listen } from './listening.ts';
import { answerByFile } from './static-files.ts';

/** What a git server over http serves, and how. */
export interface HttpServerOptions {
  /** The folder that holds the repositories. */
  root: string;
  /** The environment of its git processes. */
  env: Readonly<Record<string, string>>;
  /** Takes pushes. */
  push?: boolean;
  /** Asks everybody to log in. */
  login?: { user: string; password: string };
  tls?: { key: Buffer; cert: Buffer };
  /** `v0`: does not hear the client's wish for another version. `dumb`: serves files, runs nothing. */
  speaks?: 'v2' | 'v0' | 'dumb';
  /** Has git make every greeting anew; else one is said again of a repository that is configured as it was (`greeting.ts`). */
  greetsAnew?: boolean;
  /** git configuration of the server, such as `uploadpack.allowFilter`. */
  config?: Readonly<Record<string, string>>;
}

/** One request as it arrived. */
export interface LoggedRequest {
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Answers in the server's place; false leaves the request to it. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A git server over http on 127.0.0.1. */
export interface HttpServer {
  /** `http://127.0.0.1:<port>`, to which `/<repository>` is added. */
  readonly url: string;
  readonly port: number;
  /** Every request since the start, or since someone emptied the list. */
  readonly requests: LoggedRequest[];
  /** What its git processes wrote to standard error. */
  readonly complaints: string[];
  readonly bytesIn: number;
  readonly bytesOut: number;
  answer: Answer | null;
  /** What is waited for before a request is answered. */
  before: ((request: IncomingMessage) => Promise<void>) | null;
  close(): Promise<void>;
}

function backend(options: HttpServerOptions, request: IncomingMessage, path: string, query: string) {
  const { env, root, push = false, login, speaks = 'v2', config = {} } = options;
  const settings = Object.entries({ 'http.receivepack': String(push), ...config });
  const variables: Record<string, string> = {
    ...env,
    ...cgiVariables(request, path, query),
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
  };
  const wish = request.headers['git-protocol'];
  if (speaks === 'v2' && typeof wish === 'string') variables['GIT_PROTOCOL'] = wish;
  if (login !== undefined) variables['REMOTE_USER'] = login.user;
  // As `git -c` hands it on; git itself, started before its program only for that, would be a process more.
  variables['GIT_CONFIG_PARAMETERS'] = settings.map(([key, value]) => `'${key}=${value}'`).join(' ');
  return { command: join(folderOfPrograms(env), 'git-http-backend'), args: [], env: variables };
}

let programs: string | null = null;

function folderOfPrograms(env: Readonly<Record<string, string>>): string {
  programs ??= execFileSync('git', ['--exec-path'], { env, encoding: 'utf8' }).trimEnd();
  return programs;
}

function isLoggedIn(request: IncomingMessage, login: HttpServerOptions['login']): boolean {
  if (login === undefined) return true;
  const expected = Buffer.from(`${login.user}:${login.password}`).toString('base64');
  return request.headers.authorization === `Basic ${expected}`;
}

/** Serves a folder of repositories by git-http-backend(1), each answer by a process of its own. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const requests: LoggedRequest[] = [];
  const complaints: string[] = [];
  const connections = new Connections();
  const own: Pick<HttpServer, 'answer' | 'before'> = { answer: null, before: null };
  const greetings = options.greetsAnew ? null : new Greetings();

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    requests.push({ method: request.method ?? '', path, query, headers: request.headers, at: Date.now() });
    await own.before?.(request);
    if (own.answer?.(request, response)) return;
    if (!isLoggedIn(request, options.login)) {
      request.resume();
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
    } else if (options.speaks === 'dumb') {
      await answerByFile(options.root, path, request, response);
    } else {
      const program = backend(options, request, path, query);
      if (await greetings?.answer(request, response, program)) return;
      const complaint = await answerByCgi(request, response, program);
      if (complaint !== '') complaints.push(complaint);
    }
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => void respond(request, response);
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.on('connection', (socket) => connections.add(socket));
  const port = await listen(server);
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    complaints,
    get bytesIn() {
      return connections.bytesIn;
    },
    get bytesOut() {
      return connections.bytesOut;
    },
    get answer() {
      return own.answer;
    },
    set answer(answer) {
      own.answer = answer;
    },
    get before() {
      return own.before;
    },
    set before(before) {
      own.before = before;
    },
    close: () => connections.close(server),
  };
}
