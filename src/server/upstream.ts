import type { IncomingMessage } from 'node:http';
import type { KeptConfig } from '../git/kept-config.ts';
import { Answers } from './answers.ts';
import { advertisedLines, type Capability } from './capability.ts';
import { lookAt } from './client.ts';
import type { Exchange } from './exchange.ts';
import { LetIn } from './let-in.ts';
import { answerForTable, requestForTable } from './list-request.ts';
import type { ListReader, ToldList } from './lists.ts';
import { mirrorListRow } from './mirror-list.ts';
import { answerMirrorsPage } from './mirrors-page.ts';
import type { Patience } from './patience.ts';
import { asksForV2 } from './protocol-version.ts';
import type { Target } from './request-path.ts';
import { type Service, serviceOf } from './service.ts';
import { hasBody, headersForUpstream } from './upstream-headers.ts';
import type { UpstreamLine } from './upstream-line.ts';
import { type PathBelow, pathBelow, settingsBelow } from './upstream-list.ts';
import { UpstreamRelay } from './upstream-relay.ts';

/** What is put before a server. */
export interface UpstreamParts {
  line: UpstreamLine;
  /** Where the list for all repositories of that server comes from. */
  config: KeptConfig;
  reader: ListReader;
  patience: Patience;
  warn: (message: string) => void;
}

/** A request for something that a list is about. */
interface AboutList {
  list: ToldList;
  service: Service;
  path: PathBelow;
  query: string;
}

const GREETING = 'application/x-git-upload-pack-advertisement';

function isGreeting({ headers, statusCode }: IncomingMessage): boolean {
  return statusCode === 200 && headers['content-type'] === GREETING;
}

/** Passes all requests on to a git server, and tells the mirrors of its repositories. */
export class Upstream {
  readonly #parts: UpstreamParts;
  readonly #relay: UpstreamRelay;
  readonly #letIn = new LetIn();

  constructor(parts: UpstreamParts) {
    this.#parts = parts;
    this.#relay = new UpstreamRelay(parts.line, parts.patience);
  }

  /** Nobody waits here for a place. */
  stop(): void {}

  /** Hangs up on the server. */
  end(): void {
    this.#parts.line.end();
  }

  /** The list that is told of all repositories; its URLs are bases. Null where none is told. */
  async list(): Promise<ToldList | null> {
    const entries = await this.#parts.config.entries();
    return entries === null ? null : this.#parts.reader.read(entries);
  }

  /** Answers one request; resolves when its answer is out, or has broken off. */
  async answer(exchange: Exchange, target: Target | null): Promise<void> {
    const service = target === null ? null : serviceOf(target);
    exchange.service = service?.name ?? 'none';
    const about =
      target === null || service === null ? null : await this.#aboutList(exchange, target, service);
    if (about === null) return this.#pass(exchange, null);
    if (about.service.name === 'mirrors')
      return this.#tell(exchange, about, () => this.#page(exchange, about));
    const table = [mirrorListRow(about.list, lookAt(exchange.client ?? '', this.#parts.warn))];
    if (exchange.request.method === 'GET') return this.#pass(exchange, { about, table });
    const part = await requestForTable(exchange, table, this.#parts.patience.body);
    if (part === null) return this.#pass(exchange, null);
    await this.#tell(exchange, about, () => answerForTable(exchange, part, table));
  }

  async #aboutList(exchange: Exchange, target: Target, service: Service): Promise<AboutList | null> {
    const { method, url = '' } = exchange.request;
    const isPage = service.name === 'mirrors' && (method === 'GET' || method === 'HEAD');
    const isV2 = service.name === 'upload-pack' && asksForV2(exchange.asksFor);
    if (!isPage && !(isV2 && (method === 'GET' || method === 'POST'))) return null;
    const told = await this.list();
    const path = told === null ? null : pathBelow(url, target, service);
    if (told === null || path === null) return null;
    // Of what else the configuration says, such as remotes, nothing is about this repository.
    const list = { settings: settingsBelow(told.settings, path), entries: [] };
    return { list, service, path, query: target.query };
  }

  async #page(exchange: Exchange, { list, query }: AboutList): Promise<void> {
    const { authorization, cookie } = exchange.request.headers;
    const isForAll = authorization === undefined && cookie === undefined;
    await answerMirrorsPage(exchange, query, list, lookAt(exchange.client ?? '', this.#parts.warn), isForAll);
  }

  // Who may not see the repository upstream may not see its list: the answer is then what upstream says to him.
  async #tell(exchange: Exchange, { path }: AboutList, answer: () => Promise<void>): Promise<void> {
    const { request } = exchange;
    if (!this.#letIn.has(path.encoded, request)) {
      const { line } = this.#parts;
      const { authorization, cookie, 'user-agent': agent } = request.headers;
      const who = Object.entries({ Authorization: authorization, Cookie: cookie, 'User-Agent': agent });
      const named = who.filter((pair): pair is [string, string] => pair[1] !== undefined);
      const client = exchange.client ?? 'unknown';
      const own = ['Host', line.base.host, 'X-Forwarded-For', client, 'Git-Protocol', 'version=2'];
      const message = await this.#relay.ask(exchange, {
        method: 'GET',
        path: `${path.encoded}/info/refs?service=git-upload-pack`,
        headers: [...own, 'Accept-Encoding', 'identity', ...named.flat()],
        isFed: false,
      });
      if (message === null) return;
      if (!isGreeting(message) && message.statusCode !== 200)
        return this.#relay.answer(exchange, message, null, path.encoded);
      message.destroy();
      if (!isGreeting(message)) return exchange.refuse(404, 'upstream has no git repository there');
      this.#letIn.add(path.encoded, request);
    }
    await answer();
  }

  async #pass(
    exchange: Exchange,
    added: { about: AboutList; table: readonly Capability[] } | null,
  ): Promise<void> {
    const { request } = exchange;
    // A client may take this server for a proxy, and send the absolute form.
    const path = (request.url ?? '').replace(/^https?:\/\/[^/?#]*/i, '');
    const message = await this.#relay.ask(exchange, {
      method: request.method ?? 'GET',
      path,
      headers: headersForUpstream(request, this.#parts.line.base.host, added !== null),
      isFed: hasBody(request),
    });
    if (message === null) return;
    const isPlain = ['', 'identity'].includes(message.headers['content-encoding'] ?? '');
    const greets = added !== null && isGreeting(message);
    if (greets) this.#letIn.add(added.about.path.encoded, request);
    const greeting = greets && isPlain ? new Answers(advertisedLines(added.table)) : null;
    await this.#relay.answer(exchange, message, greeting, path);
  }
}
