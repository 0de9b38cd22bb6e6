import type { Environment } from '../git/environment.ts';
import { type HttpBackend, refusalOf, startHttpBackend } from '../git/http-backend.ts';
import { answerByBackend } from './backend-answer.ts';
import { requestVariables } from './cgi.ts';
import type { Exchange } from './exchange.ts';
import { findRepository } from './find-repository.ts';
import type { Patience } from './patience.ts';
import type { Target } from './request-path.ts';
import { serviceOf } from './service.ts';
import type { Turns } from './turns.ts';

/** What the repositories under a root are served with. */
export interface Serving {
  /** Without symbolic links. */
  root: string;
  /** git-http-backend, and the environment for it (git/http-backend.ts). */
  program: string;
  env: Environment;
  turns: Turns;
  patience: Patience;
}

/** Answers requests for the repositories under a root; knows every git that is at work. */
export class Repositories {
  readonly #serving: Serving;
  readonly #running = new Set<HttpBackend>();

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** Lets whoever has to wait for git wait no more. */
  stop(): void {
    this.#serving.turns.close();
  }

  /** Ends every git that is at work, with all it has started. */
  end(): void {
    for (const backend of this.#running) backend.end();
  }

  /** Answers one request; resolves when git is through with it. */
  async answer(exchange: Exchange, target: Target): Promise<void> {
    const { patience, root, turns } = this.#serving;
    const service = serviceOf(target);
    if (service === null) return exchange.refuse(404, 'nothing that git serves');
    exchange.service = service.name;
    if (!service.methods.includes(exchange.request.method ?? '')) {
      const Allow = service.methods.join(', ');
      return exchange.refuse(405, `only by ${Allow}`, null, { Allow });
    }
    const found = await findRepository(root, service);
    if ('refusal' in found) return exchange.refuse(404, found.refusal);
    const leave = await turns.take(exchange.gone, patience.turn);
    if (leave === null) {
      const told = turns.closed ? 'the server is stopping' : 'the server is busy; try again in a moment';
      return exchange.refuse(503, told, told, { 'Retry-After': '10' });
    }
    try {
      await this.#byGit(exchange, target, found.gitDir, service.rest);
    } finally {
      leave();
    }
  }

  async #byGit(exchange: Exchange, target: Target, gitDir: string, rest: string): Promise<void> {
    const { env, patience, program } = this.#serving;
    const { request, user } = exchange;
    const variables = {
      ...requestVariables(request, target.query),
      PATH_TRANSLATED: gitDir + rest,
      ...(user === null ? {} : { AUTH_TYPE: 'Basic', REMOTE_USER: user }),
    };
    exchange.goOn();
    const backend = startHttpBackend(program, env, variables, request.method === 'POST');
    this.#running.add(backend);
    try {
      // Which is its answer, too, for a repository that git will not touch (safe.directory).
      await answerByBackend(exchange, backend, patience, async () => {
        const refusal = await refusalOf(gitDir, env);
        return refusal === null ? null : { status: 403, told: 'the server may not read this repository' };
      });
    } finally {
      this.#running.delete(backend);
    }
  }
}
