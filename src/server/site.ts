import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { processesEnded } from '../git/process.ts';
import { printable } from '../protocol/text.ts';
import { accessLine } from './access-log.ts';
import { clientOf, type IsTrusted } from './client-address.ts';
import { Exchange } from './exchange.ts';
import type { Login } from './login.ts';
import type { Metrics } from './metrics.ts';
import type { SitePage } from './page/site-page.ts';
import { publicAddress } from './public-address.ts';
import type { Repositories } from './repositories.ts';
import { parseTarget } from './request-path.ts';
import { serviceOf } from './service.ts';

/** What a site is made of. */
export interface SiteParts {
  repositories: Pick<Repositories, 'answer' | 'stop' | 'end'>;
  metrics: Metrics;
  /** Null where everybody is let in. */
  login: Login | null;
  /** Whose word counts for who the client is. */
  isTrusted: IsTrusted;
  page: SitePage | null;
  log: (line: string) => void;
}

/** What the log tells of a client that has left before it was answered; servers agree on it, no RFC does. */
const CLIENT_LEFT = 499;

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="git", charset="UTF-8"' };

/** All that a server answers: pages of its own under `/-/`, and repositories. */
export class Site {
  readonly #parts: SiteParts;
  readonly #working = new Set<Promise<unknown>>();
  #stopping = false;
  #ended = false;

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  /** Takes a request, sees to its answer, and tells of it when all is over. */
  take(request: IncomingMessage, response: ServerResponse, expects: boolean): void {
    const exchange = new Exchange(request, response, expects, clientOf(request, this.#parts.isTrusted));
    exchange.address = publicAddress(request, this.#parts.isTrusted);
    const closed = new Promise<void>((resolve) => void response.once('close', resolve));
    const work = Promise.all([this.#answer(exchange), closed.then(() => this.#tell(exchange))]);
    this.#working.add(work);
    const over = () => this.#working.delete(work);
    work.then(over, over);
  }

  /** How many requests are being answered. */
  get running(): number {
    return this.#working.size;
  }

  /**
   * Stops a server: nobody comes in any more, and who is being answered has so many milliseconds. Resolves when no request,
   * connection or process is left.
   */
  async stop(server: Server, patience: number): Promise<void> {
    this.#stopping = true;
    this.#parts.repositories.stop();
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    const timer = setTimeout(() => this.end(server), patience);
    while (this.#working.size > 0) await Promise.allSettled(this.#working);
    clearTimeout(timer);
    this.#parts.repositories.end();
    server.closeAllConnections();
    await Promise.all([closed, this.#parts.page?.stop()]);
    await processesEnded();
  }

  /** Ends every git and every request to a server upstream, and hangs up on everybody. */
  end(server: Server): void {
    this.#ended = true;
    this.#parts.repositories.end();
    server.closeAllConnections();
  }

  async #answer(exchange: Exchange): Promise<void> {
    try {
      await this.#route(exchange);
    } catch (error) {
      exchange.reason ??= printable(error instanceof Error ? error.message : String(error));
      if (exchange.response.headersSent) exchange.response.destroy();
      else exchange.say(500, '');
    }
  }

  async #route(exchange: Exchange): Promise<void> {
    const { login, metrics, page, repositories } = this.#parts;
    const { request } = exchange;
    const target = parseTarget(request.url ?? '');
    // Whoever looks whether the server is well has no login for it.
    if (target?.path === '/-/health') return this.#health(exchange);
    exchange.user = login === null ? null : await login.userOf(request.headers.authorization);
    // A forge has no login, either; it proves itself otherwise (member-hook.ts).
    const isCall = target !== null && request.method === 'POST' && serviceOf(target)?.name === 'hook';
    if (login !== null && exchange.user === null && !isCall)
      return exchange.refuse(401, 'no login, or a wrong one', 'a login is needed here', CHALLENGE);
    if (await page?.answer(exchange)) return;
    if (target?.path === '/-/metrics') {
      exchange.service = 'metrics';
      const { type, body } = await metrics.text();
      return exchange.say(200, body, { 'Content-Type': type });
    }
    if (this.#stopping) {
      const told = 'the server is stopping';
      return exchange.refuse(503, told, told, { Connection: 'close', 'Retry-After': '10' });
    }
    await repositories.answer(exchange, target);
  }

  #health(exchange: Exchange): void {
    exchange.service = 'health';
    const stopping = this.#stopping;
    const text = JSON.stringify({ status: stopping ? 'stopping' : 'ok' });
    const close = stopping ? { Connection: 'close' } : {};
    exchange.say(stopping ? 503 : 200, `${text}\n`, { 'Content-Type': 'application/json', ...close });
  }

  #tell(exchange: Exchange): void {
    const { gone, response } = exchange;
    const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
    if (gone.aborted) exchange.reason ??= this.#ended ? 'the server was stopped' : 'the client left';
    this.#parts.metrics.count(exchange, status);
    this.#parts.page?.count(exchange, status);
    this.#parts.log(accessLine(exchange, status));
  }
}
