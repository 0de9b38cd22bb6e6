import type { IncomingMessage, ServerResponse } from 'node:http';
import { Body } from './body.ts';
import type { ServiceName } from './service.ts';

/** How long a client that was answered may go on sending what nobody reads, in milliseconds. */
const LINGER = 5000;

/** One request and its answer, and what is told of them in the log and in metrics. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the client has left before it had its answer. */
  readonly gone: AbortSignal;
  /** Milliseconds since the epoch, and by the clock that never jumps. */
  readonly began = Date.now();
  readonly #start = performance.now();
  /** The address of whoever asks; null where it has left already. */
  readonly client: string | null;
  readonly body: Body;
  service: ServiceName = 'none';
  /** The path of the repository that it is answered for. */
  path: string | null = null;
  /** The URL of this server as the client sees it; null where it does not say. */
  address: string | null = null;
  /** Who has logged in. */
  user: string | null = null;
  /** Why it came out as it did, where that is no plain success; one line. */
  reason: string | null = null;
  /** Bytes of the bodies. */
  bytesIn = 0;
  bytesOut = 0;
  /** Whether a client that waits for word to go on (RFC 9110, "Expect") is still to get it. */
  #expects: boolean;

  constructor(request: IncomingMessage, response: ServerResponse, expects: boolean, client: string | null) {
    this.request = request;
    this.response = response;
    this.client = client;
    this.body = new Body(request);
    this.#expects = expects;
    const left = new AbortController();
    this.gone = left.signal;
    // A write behind the client's back is no news: `close` tells.
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    response.once('finish', () => this.#dismiss());
    response.once('close', () => {
      if (!response.writableFinished) left.abort();
    });
  }

  /** Milliseconds since the request came. */
  get elapsed(): number {
    return performance.now() - this.#start;
  }

  /** What the client asks for by the header `Git-Protocol` (gitprotocol-http(5)). */
  get asksFor(): string | undefined {
    const asked = this.request.headers['git-protocol'];
    return typeof asked === 'string' ? asked : undefined;
  }

  /** Whether it says to come from a member of a group of replicas (git/push-request.ts). */
  get isOfMember(): boolean {
    return this.request.headers['gam-member'] !== undefined;
  }

  /** The version of git's protocol that the client asks for (gitprotocol-http(5), `Git-Protocol`); null for none. */
  get protocol(): string | null {
    return /(?:^|:)version=([0-9]+)/.exec(this.asksFor ?? '')?.[1] ?? null;
  }

  /** Has the client send its body, if it waits for that. */
  goOn(): void {
    if (this.#expects) this.response.writeContinue();
    this.#expects = false;
  }

  /** Answers with a body of its own; a text git shows to its user. */
  say(status: number, text: string | Buffer, headers: Readonly<Record<string, string>> = {}): void {
    const body = typeof text === 'string' ? Buffer.from(text) : text;
    const type = body.length === 0 ? {} : { 'Content-Type': 'text/plain; charset=utf-8' };
    const about = { 'Cache-Control': 'no-cache', 'Content-Length': body.length };
    this.response.writeHead(status, { ...type, ...about, ...headers });
    if (this.request.method !== 'HEAD') this.bytesOut += body.length;
    this.response.end(body);
  }

  /** Turns the request down. The reason goes into the log; the client gets it only where `told` says how. */
  refuse(
    status: number,
    reason: string,
    told: string | null = null,
    headers?: Readonly<Record<string, string>>,
  ): void {
    this.reason = reason;
    this.say(status, told === null ? '' : `${told}\n`, headers);
  }

  // What a client still sends when it has its answer is read, since to hang up on it would cost it that answer; for a while.
  #dismiss(): void {
    const { request } = this;
    const { socket } = request;
    if (request.complete) return;
    const timer = setTimeout(() => socket.destroy(), LINGER);
    const over = () => {
      clearTimeout(timer);
      socket.off('close', hungUp);
    };
    // Node tells a request that has its answer nothing of the line's end, and who reads its body would wait on.
    const hungUp = () => {
      over();
      request.destroy();
    };
    if (socket.destroyed) return hungUp();
    socket.once('close', hungUp);
    request.once('end', over);
    request.resume();
  }
}
