import type { Environment } from '../git/environment.ts';
import { type HttpBackend, refusalOf, startHttpBackend } from '../git/http-backend.ts';
import { Readers } from '../state/readers.ts';
import { Answers } from './answers.ts';
import { answerByBackend } from './backend-answer.ts';
import { advertisedLines, type Capability } from './capability.ts';
import { carriedList, type FindHere, hereFor } from './carried-list.ts';
import type { Carrier } from './carrier.ts';
import { requestVariables } from './cgi.ts';
import { lookAt } from './client.ts';
import type { Exchange } from './exchange.ts';
import { answerAsHost } from './host-list.ts';
import { answerForTable, requestForTable } from './list-request.ts';
import type { Lists, ToldList } from './lists.ts';
import type { MemberHook } from './member-hook.ts';
import { type LookAtClient, listRow, mirrorListCapabilities } from './mirror-list.ts';
import { answerMirrorsPage } from './mirrors-page.ts';
import type { Patience } from './patience.ts';
import { asksForV2 } from './protocol-version.ts';
import type { Target } from './request-path.ts';
import { type Service, serviceOf } from './service.ts';
import type { Turns } from './turns.ts';

/** Where a request is answered from. */
export interface FoundHere {
  gitDir: string;
  /** The repository's path at this server. */
  path: string;
  /** The list that is told of it; what its own configuration says, where there is none. */
  told?: Pick<ToldList, 'settings' | 'stale'>;
  /** Is called when it is answered. */
  leave?: () => void;
}

/** Where a request is answered from; or why it is not, by default with 404. */
export type Found =
  | FoundHere
  | { refusal: string; status?: number; told?: string; headers?: Readonly<Record<string, string>> };

/** What repositories are served with. */
export interface Serving {
  /** Finds the repository of a request. */
  find: (service: Service, exchange: Exchange) => Promise<Found>;
  /** git-http-backend, and the environment for it (git/http-backend.ts). */
  program: string;
  env: Environment;
  turns: Turns;
  /**
   * For requests of members of groups. A user's push keeps its turn while it waits for other members, and these for theirs: were turns of
   * one kind, two servers could wait for each other.
   */
  memberTurns: Turns;
  patience: Patience;
  /** The mirror lists of repositories; ended with this. */
  lists: Lists;
  /** What is carried of what is canonical elsewhere, for those who ask by `url=`; null where nobody is told. */
  carrier: Carrier | null;
  /** Answers forges that call; null where none is listened to. */
  hook: Pick<MemberHook, 'answer'> | null;
  /** Is told what is wrong with a mirror list. */
  warn: (message: string) => void;
}

/** Answers requests for repositories; knows every git that is at work. */
export class Repositories {
  readonly #serving: Serving;
  readonly #running = new Set<HttpBackend>();
  readonly #readers = new Readers();

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** Lets whoever has to wait for git wait no more. */
  stop(): void {
    this.#serving.turns.close();
    this.#serving.memberTurns.close();
  }

  /** Ends every git that is at work, with all it has started. */
  end(): void {
    this.#serving.lists.end();
    for (const backend of this.#running) backend.end();
  }

  /** Answers one request; resolves when git is through with it. */
  async answer(exchange: Exchange, target: Target | null): Promise<void> {
    if (target === null) return exchange.refuse(404, 'a path that no client of git asks for');
    const service = serviceOf(target);
    if (service === null) return exchange.refuse(404, 'nothing that git serves');
    exchange.service = service.name;
    if (!service.methods.includes(exchange.request.method ?? '')) {
      const Allow = service.methods.join(', ');
      return exchange.refuse(405, `only by ${Allow}`, null, { Allow });
    }
    const { carrier, find, patience } = this.#serving;
    if (service.name === 'hook') return this.#called(exchange, service);
    const found = await find(service, exchange);
    if ('refusal' in found) {
      const isHost = service.repository === '' && carrier !== null;
      if (isHost && (await answerAsHost(exchange, target, service, carrier, patience.body))) return;
      const { headers, refusal, status = 404, told = null } = found;
      return exchange.refuse(status, refusal, told, headers);
    }
    try {
      await this.#serve(exchange, target, service, found);
    } finally {
      found.leave?.();
    }
  }

  async #called(exchange: Exchange, service: Service): Promise<void> {
    const { find, hook } = this.#serving;
    if (hook === null) return exchange.refuse(404, 'no forge is listened to');
    await hook.answer(exchange, async () => {
      const found = await find(service, exchange);
      if ('refusal' in found) return null;
      found.leave?.();
      return found.gitDir;
    });
  }

  async #serve(exchange: Exchange, target: Target, service: Service, found: FoundHere): Promise<void> {
    const { gitDir, path } = found;
    exchange.path = path;
    if (service.name === 'mirrors') return this.#tellMirrors(exchange, target, found);
    const table = await this.#tableFor(exchange, service, found);
    const part =
      table.length > 0 && exchange.request.method === 'POST'
        ? await requestForTable(exchange, table, this.#serving.patience.body)
        : null;
    if (part !== null) return answerForTable(exchange, part, table);
    await this.#inTurn(exchange, () => this.#byGit(exchange, target, gitDir, service.rest, table));
    // Each fetch begins with this one request, whether it finds anything new or not.
    const begins = service.name === 'upload-pack' && exchange.request.method === 'GET';
    if (begins && exchange.response.statusCode === 200)
      await this.#readers.note(gitDir, exchange.client, exchange.user, exchange.began);
  }

  // In place of a list that could not be read in time there is no answer, rather than a wrong one.
  async #tellMirrors(exchange: Exchange, target: Target, found: FoundHere): Promise<void> {
    const list = await this.#listOf(found);
    if (list === null && this.#serving.turns.closed) return this.#refuseTurn(exchange);
    if (list === null)
      return exchange.refuse(404, 'no mirror list is enabled', 'no mirror list is enabled here');
    const here = this.#here(exchange, found);
    await answerMirrorsPage(exchange, target.query, list, this.#look(exchange), exchange.user === null, here);
  }

  // Only protocol v2 of upload-pack has room for more.
  async #tableFor(
    exchange: Exchange,
    { name, repository }: Service,
    found: FoundHere,
  ): Promise<readonly Capability[]> {
    if (name !== 'upload-pack' || !asksForV2(exchange.asksFor)) return [];
    const { carrier } = this.#serving;
    const list = await this.#listOf(found);
    const here = this.#here(exchange, found);
    if (list !== null) return mirrorListCapabilities(list, this.#look(exchange), here);
    // Who knows the host alone asks there, and a clone may be all that is served.
    const isHost = repository === '' && carrier !== null && here !== null;
    return isHost ? [listRow((asked) => carriedList(asked, here, carrier))] : [];
  }

  #here(exchange: Exchange, { gitDir }: FoundHere): FindHere | null {
    const { carrier } = this.#serving;
    return carrier === null ? null : hereFor(exchange, carrier, gitDir);
  }

  async #listOf({ gitDir, told }: FoundHere): Promise<ToldList | null> {
    const { lists } = this.#serving;
    if (told === undefined) return lists.of(gitDir);
    const entries = await lists.entries(gitDir);
    return entries && { ...told, entries };
  }

  #look({ client }: Exchange): LookAtClient {
    return lookAt(client ?? '', this.#serving.warn);
  }

  #refuseTurn(exchange: Exchange): void {
    const { turns } = this.#serving;
    const told = turns.closed ? 'the server is stopping' : 'the server is busy; try again in a moment';
    exchange.refuse(503, told, told, { 'Retry-After': '10' });
  }

  async #inTurn(exchange: Exchange, work: () => Promise<void>): Promise<void> {
    const { memberTurns, patience, turns } = this.#serving;
    const own = exchange.isOfMember ? memberTurns : turns;
    const leave = await own.take(exchange.gone, patience.turn);
    if (leave === null) return this.#refuseTurn(exchange);
    try {
      await work();
    } finally {
      leave();
    }
  }

  async #byGit(
    exchange: Exchange,
    target: Target,
    gitDir: string,
    rest: string,
    table: readonly Capability[],
  ): Promise<void> {
    const { env, patience, program } = this.#serving;
    const { request, user } = exchange;
    const variables = {
      ...requestVariables(exchange, target.query),
      PATH_TRANSLATED: gitDir + rest,
      ...(user === null ? {} : { AUTH_TYPE: 'Basic', REMOTE_USER: user }),
    };
    const greeting =
      table.length > 0 && request.method !== 'POST' ? new Answers(advertisedLines(table)) : null;
    exchange.goOn();
    const backend = startHttpBackend(program, env, variables, request.method === 'POST');
    this.#running.add(backend);
    try {
      // Which is its answer, too, for a repository that git will not touch (safe.directory).
      await answerByBackend(exchange, backend, patience, greeting, async () => {
        const refusal = await refusalOf(gitDir, env);
        return refusal === null ? null : { status: 403, told: 'the server may not read this repository' };
      });
    } finally {
      this.#running.delete(backend);
    }
  }
}
