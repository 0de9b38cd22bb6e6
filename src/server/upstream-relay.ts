import type { IncomingMessage } from 'node:http';
import { PassThrough, pipeline } from 'node:stream';
import type { Answers } from './answers.ts';
import type { Exchange } from './exchange.ts';
import { feed } from './feed.ts';
import { passOn } from './pass-on.ts';
import type { Patience } from './patience.ts';
import { headersForClient } from './upstream-headers.ts';
import { type UpstreamLine, whyUnreachable } from './upstream-line.ts';

/** A request for a server upstream. */
export interface RelayedRequest {
  method: string;
  path: string;
  /** Names and values in turn. */
  headers: string[];
  /** Whether the body of the client's request is the body of this one. */
  isFed: boolean;
}

/** Passes requests on to a server, and its answers back, both streaming, and knows nothing of what they say. */
export class UpstreamRelay {
  readonly #line: UpstreamLine;
  readonly #patience: Patience;

  constructor(line: UpstreamLine, patience: Patience) {
    this.#line = line;
    this.#patience = patience;
  }

  /**
   * Asks the server, and feeds it the body of the client's request, if told so.
   * @returns the head of its answer; null where there is none, and the client has been told
   */
  async ask(exchange: Exchange, { isFed, ...asked }: RelayedRequest): Promise<IncomingMessage | null> {
    const [line, patience] = [this.#line, this.#patience];
    try {
      return await line.ask({
        ...asked,
        signal: exchange.gone,
        goOn: () => exchange.goOn(),
        send: (sent) => {
          if (!isFed) return void sent.end();
          const input = new PassThrough();
          pipeline(input, sent, () => undefined);
          void feed(exchange, input, patience.body);
        },
      });
    } catch (error) {
      const why = whyUnreachable(error);
      exchange.refuse(502, why, 'the git server behind this one cannot be reached');
      return null;
    }
  }

  /**
   * Passes an answer on, to its end, or to where it breaks off.
   * @param greeting what adds to it, where it is a greeting that is added to
   * @param path as the server was asked
   */
  async answer(
    exchange: Exchange,
    message: IncomingMessage,
    greeting: Answers | null,
    path: string,
  ): Promise<void> {
    const { request, response } = exchange;
    const [line, patience] = [this.#line, this.#patience];
    const headers = headersForClient(message.rawHeaders, line.base, line.url(path));
    // With a line more, it is longer than the server said.
    const kept = headers.filter(([name]) => greeting === null || name.toLowerCase() !== 'content-length');
    try {
      response.writeHead(message.statusCode ?? 502, message.statusMessage ?? '', kept.flat());
      // A long answer may begin long before its first byte comes.
      response.flushHeaders();
      await passOn(exchange, message, greeting, patience.reader);
      response.end();
    } catch {
      exchange.reason ??= 'the upstream broke off';
      response.destroy();
    } finally {
      // What the client still sends is not for a server that has answered. To end an answer that is whole would leave the line.
      if (!request.complete) message.socket.destroy();
    }
  }
}
