import type { HttpClient } from 'isomorphic-git';
import { Agent } from 'undici';
import { GamError } from '../errors.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import type { MirrorContact } from './mirror-line.ts';
import { PREPARATION, REFS_LIMIT } from './probe.ts';

/** As git names itself, so that servers that look for it answer. */
const USER_AGENT = 'git/gam';

type Answer = Response;

/** The error of a mirror on the web; what is told may hold its words. */
export function broken(
  message: string,
  code: 'mirror-broken' | 'mirror-refused' | 'mirror-unusable' | 'mirror-slow',
) {
  return new GamError(code, printable(redactText(message), 160), { tryElsewhere: true });
}

// Node trusts other authorities than the system does, and git those that the user has set up.
const CERTIFICATE = /^(?:CERT_|ERR_TLS|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

/** The innermost reason: undici says `fetch failed`, and why in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error
    ? cause.message || ((cause as NodeJS.ErrnoException).code ?? 'failed')
    : String(cause);
}

// The same name in two spellings would be sent as one header with two values.
function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

let warmed: Promise<unknown> | null = null;

/** The first fetch of a process loads what fetch is made of, for a tenth of a second: no mirror's latency. */
export function warm(): Promise<unknown> {
  warmed ??= fetch('data:,')
    .then((answer) => answer.text())
    .catch(() => undefined);
  return warmed;
}

/** One look at one mirror: its connections, its deadlines, and what it may send. */
export class WebLook {
  /** Milliseconds to the first byte of the first answer. */
  latency = 0;
  readonly #contact: MirrorContact;
  readonly #dispatcher: Agent;
  readonly #end = new AbortController();
  #left = REFS_LIMIT;
  #complaint: GamError | null = null;
  /** True when git may do better: it knows other certificates, and logins. */
  undecided = false;

  constructor(contact: MirrorContact) {
    this.#contact = contact;
    const { connectTimeout } = contact.settings;
    // A dispatcher of its own: no proxy of the environment, no cookies, no connection that others have opened.
    this.#dispatcher = new Agent({ connect: { timeout: connectTimeout }, headersTimeout: PREPARATION });
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#dispatcher.destroy();
  }

  /** Ends everything when it takes longer; the complaint is what the user is told then. */
  async within<T>(milliseconds: number, what: string, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#complaint ??= broken(`${what} within ${milliseconds / 1000} s`, 'mirror-slow');
      this.#end.abort();
    }, milliseconds);
    try {
      return await work;
    } catch (error) {
      this.#contact.signal.throwIfAborted();
      throw this.#complaint ?? error;
    } finally {
      clearTimeout(timer);
    }
  }

  async request(
    url: string,
    method: string,
    headers: Record<string, string>,
    body?: Buffer,
  ): Promise<Answer> {
    const signal = AbortSignal.any([this.#contact.signal, this.#end.signal]);
    const started = performance.now();
    const answer = await fetch(url, {
      method,
      headers: { ...lowerCased(headers), 'user-agent': USER_AGENT, 'git-protocol': 'version=2' },
      redirect: 'manual',
      credentials: 'omit',
      // node's types know its own undici only, whose dispatchers are older.
      dispatcher: this.#dispatcher as unknown as NonNullable<RequestInit['dispatcher']>,
      signal,
      ...(body === undefined ? {} : { body }),
    });
    if (this.latency === 0) this.latency = performance.now() - started;
    // Whoever follows one is led to a host that nobody has named; git fetches refuse it as well.
    if (answer.status >= 300 && answer.status < 400)
      throw this.#fail(broken('redirects, which is refused', 'mirror-broken'));
    if (answer.status === 401) this.undecided = true;
    if (answer.status !== 200)
      throw this.#fail(broken(`answers with http status ${answer.status}`, 'mirror-refused'));
    return answer;
  }

  /** The body of an answer, counted; whatever is beyond the limit, unpacked or not, is not read. */
  async *chunks(answer: Answer): AsyncGenerator<Uint8Array> {
    for await (const chunk of answer.body ?? []) {
      const bytes = chunk as Uint8Array;
      this.#left -= bytes.length;
      if (this.#left < 0) throw this.#fail(broken('sent an endless answer', 'mirror-broken'));
      yield bytes;
    }
  }

  /** isomorphic-git's way to the web, which is this look's. */
  readonly client: HttpClient = {
    request: async ({ url, method = 'GET', headers = {}, body }) => {
      const sent: Uint8Array[] = [];
      for await (const piece of body ?? []) sent.push(piece);
      const answer = await this.request(
        url,
        method,
        headers,
        body === undefined ? undefined : Buffer.concat(sent),
      );
      return {
        url: answer.url,
        method,
        headers: Object.fromEntries(answer.headers),
        body: this.chunks(answer),
        statusCode: answer.status,
        statusMessage: answer.statusText,
      };
    },
  };

  // isomorphic-git puts errors of its own in the place of some.
  #fail(error: GamError): GamError {
    this.#complaint ??= error;
    return error;
  }

  /** What went wrong, in a few words. */
  tell(error: unknown): GamError {
    this.#contact.signal.throwIfAborted();
    const { code } = (error instanceof Error ? (error.cause ?? error) : {}) as { code?: unknown };
    if (typeof code === 'string' && CERTIFICATE.test(code)) this.undecided = true;
    if (this.#complaint !== null) return this.#complaint;
    return error instanceof GamError ? error : broken(reasonOf(error), 'mirror-refused');
  }
}
