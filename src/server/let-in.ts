import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** For how long what an upstream has said of a client holds, in milliseconds, and for how many clients. */
const [HOLDS, MOST] = [60_000, 10_000];

/** Whom an upstream has lately shown which repository: to them the list of it may be told. Logins are kept as keyed digests only. */
export class LetIn {
  readonly #key = randomBytes(32);
  readonly #until = new Map<string, number>();

  add(repository: string, request: IncomingMessage): void {
    if (this.#until.size >= MOST) this.#until.clear();
    this.#until.set(this.#mark(repository, request), performance.now() + HOLDS);
  }

  has(repository: string, request: IncomingMessage): boolean {
    return (this.#until.get(this.#mark(repository, request)) ?? 0) > performance.now();
  }

  // Who somebody is may be in either.
  #mark(repository: string, { headers }: IncomingMessage): string {
    const who = JSON.stringify([repository, headers.authorization, headers.cookie]);
    return createHmac('sha256', this.#key).update(who).digest('base64');
  }
}
