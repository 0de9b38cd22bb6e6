import {
  type Agent,
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { GamError } from '../errors.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';

/** For how long a connection is tried, and kept without a request: servers hang up after five seconds and more. In milliseconds. */
const [CONNECT, IDLE] = [10_000, 4000];

/** One request to an upstream. */
export interface Asked {
  method: string;
  /** Below the upstream's URL; begins with a slash. */
  path: string;
  /** Names and values in turn. */
  headers: string[];
  /** Sends the body, or ends the request without one. */
  send(sent: ClientRequest): void;
  /** Is called when the upstream lets a body come that waits for that. */
  goOn(): void;
  /** Ends it. */
  signal: AbortSignal;
}

/** What an upstream's URL must be: http or https, without login or query. @throws GamError `usage` */
export function parseUpstream(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (isPlain) return url;
  throw new GamError('usage', `--upstream ${redactUrl(text)}: that is no URL of a git server`, {
    suggestion: 'write it as in --upstream https://git.example/; a login comes from each client',
  });
}

/** Connections to an upstream, kept for the next request. */
export class UpstreamLine {
  readonly base: URL;
  readonly #agent: Agent;

  constructor(base: URL) {
    this.base = base;
    const settings = { keepAlive: true, timeout: IDLE };
    this.#agent = base.protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings);
  }

  /** Hangs up, also on who is being answered. */
  end(): void {
    this.#agent.destroy();
  }

  /** The URL for a path below. */
  url(path: string): string {
    return `${this.base.origin}${this.base.pathname.replace(/\/$/, '')}${path}`;
  }

  /**
   * Asks; resolves with the head of the answer. A kept connection may have ended just now: what changes nothing and has no
   * body is asked again (RFC 9110, section 9.2.2).
   * @throws Error of the system, where the upstream cannot be reached or hangs up
   */
  async ask(asked: Asked, again = true): Promise<IncomingMessage> {
    const { protocol, hostname, port } = this.base;
    const host = hostname.replace(/^\[|\]$/g, '');
    const path = this.url(asked.path).slice(this.base.origin.length);
    const { headers, method } = asked;
    const options = { host, port, path, method, headers, agent: this.#agent };
    const sent = protocol === 'https:' ? requestHttps(options) : requestHttp(options);
    const end = () => sent.destroy(new Error('the client left'));
    if (asked.signal.aborted) end();
    asked.signal.addEventListener('abort', end, { once: true });
    sent.once('close', () => asked.signal.removeEventListener('abort', end));
    const late = setTimeout(
      () => sent.destroy(new Error(`no connection after ${CONNECT / 1000} s`)),
      CONNECT,
    );
    const connected = () => clearTimeout(late);
    sent.once('close', connected).once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    sent.on('continue', () => asked.goOn());
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).on('error', reject);
    });
    asked.send(sent);
    try {
      return await answer;
    } catch (error) {
      const isIdle =
        sent.reusedSocket && ['GET', 'HEAD', 'OPTIONS'].includes(method) && !asked.signal.aborted;
      if (again && isIdle) return this.ask(asked, false);
      throw error;
    }
  }
}

/** Why an upstream cannot be asked, in one line. */
export function whyUnreachable(error: unknown): string {
  // Where a name has several addresses, there is an error for each.
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return `cannot reach the upstream: ${printable(first instanceof Error ? first.message : String(first))}`;
}
