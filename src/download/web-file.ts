import type { Agent, IncomingMessage } from 'node:http';
import { GamError } from '../errors.ts';
import { Deadline, within } from '../transport/patience.ts';
import type { Span } from './spans.ts';
import type { WebAccess } from './web-access.ts';

/** What a server answered when it was asked for a file, or a part of it. */
export interface Answer {
  /** Bytes of the whole file; null when the server does not say. */
  size: number | null;
  /** Where the body starts in the file. */
  from: number;
  /** True when the server can send parts. */
  ranges: boolean;
  /** What tells whether the file is still the same (RFC 9110, "If-Range"); null where nothing does. */
  validator: string | null;
  body: IncomingMessage;
}

/** Bytes of a file; `to` of null is the end, wherever that is. */
interface Asked {
  from: number;
  to: number | null;
}

function failed(code: 'mirror-refused' | 'mirror-broken', message: string, cause?: unknown): GamError {
  return new GamError(code, message, { tryElsewhere: true, cause });
}

/** A number that is a header's value, or a part of it. */
function bytes(text: string | undefined): number | null {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
}

/**
 * The headers of a request for the bytes of a span, besides those of any request of node's.
 * @param unless as for WebFile.get()
 */
export function requestHeaders({ from, to }: Asked, unless: string | null): Record<string, string> {
  return {
    'Accept-Encoding': 'identity',
    'User-Agent': 'gam',
    Range: `bytes=${from}-${to === null ? '' : to - 1}`,
    ...(unless === null || from === 0 ? {} : { 'If-Range': unless }),
  };
}

/** A file on a web server, which is asked for with nothing that could tell who asks. */
export class WebFile {
  readonly url: URL;
  readonly #access: WebAccess;
  #agent: Agent | null = null;

  constructor(url: string, access: WebAccess) {
    this.url = new URL(url);
    this.#access = access;
  }

  /**
   * Asks for the bytes of a span; `to` of null is the end, wherever that is.
   * @param unless a validator: a file that has changed since comes whole
   * @param connectTimeout milliseconds until the answer must begin
   * @throws GamError with `tryElsewhere` when the server does not answer in time, or with anything but the file
   */
  async get(
    { from, to }: Asked,
    unless: string | null,
    connectTimeout: number,
    signal: AbortSignal,
  ): Promise<Answer> {
    signal.throwIfAborted();
    const headers = requestHeaders({ from, to }, unless);
    const asked = this.#protocol().request(this.url, { agent: this.#ownAgent(), headers });
    const abort = () => asked.destroy();
    signal.addEventListener('abort', abort, { once: true });
    asked.once('close', () => signal.removeEventListener('abort', abort));
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve);
      // Stays for what may come after the answer: a reset is told by the body, too.
      asked.on('error', (cause) => reject(failed('mirror-broken', cause.message || 'hung up', cause)));
      asked.end();
    });
    try {
      const body = await within(answered, new Deadline(connectTimeout, 'no answer'), () => 0);
      return judged(body, { from, to });
    } catch (error) {
      asked.destroy();
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Hangs up. */
  close(): void {
    this.#agent?.destroy();
    this.#agent = null;
  }

  // Loaded at the first download only: nearly every fetch does without.
  #protocol() {
    return this.url.protocol === 'https:'
      ? process.getBuiltinModule('node:https')
      : process.getBuiltinModule('node:http');
  }

  #ownAgent(): Agent {
    const { Agent: OwnAgent } = this.#protocol();
    this.#agent ??= new OwnAgent({ keepAlive: true, ...this.#access });
    return this.#agent;
  }
}

function judged(body: IncomingMessage, { from, to }: { from: number; to: number | null }): Answer {
  const { statusCode = 0, headers } = body;
  if (statusCode >= 300 && statusCode < 400)
    throw failed('mirror-refused', `redirects (${statusCode}), which is not followed`);
  if (statusCode !== 200 && statusCode !== 206) throw failed('mirror-refused', `answered ${statusCode}`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw failed('mirror-broken', 'sent a file that is encoded');
  // Only a strong one vouches for every byte; a date serves where it is all there is.
  const tag = headers.etag?.startsWith('"') ? headers.etag : null;
  const validator = tag ?? headers['last-modified'] ?? null;
  if (statusCode === 200)
    return { size: bytes(headers['content-length']), from: 0, ranges: false, validator, body };
  const [, first, last, all] =
    /^bytes ([0-9]+)-([0-9]+)\/([0-9]+)$/.exec(headers['content-range'] ?? '') ?? [];
  const [start, end, size] = [bytes(first), bytes(last), bytes(all)];
  const sent: Span | null = start === null || end === null ? null : { from: start, to: end + 1 };
  const fits = sent !== null && size !== null && sent.from === from && sent.to > from && sent.to <= size;
  if (!fits || (to !== null && sent.to > to))
    throw failed('mirror-broken', 'sent another part than it was asked for');
  return { size, from, ranges: true, validator, body };
}
