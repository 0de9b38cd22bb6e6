import { Agent } from 'undici';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import type { Packet } from '../pkt-line/packet.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';

/** An answer with one ref is short. */
const LONGEST = 64 * 1024;

/** One line to a server on the web, kept open, on which it is asked where one branch stands, again and again. */
export class WebTip {
  readonly #url: string;
  readonly #body: Buffer;
  readonly #agent: Agent;
  readonly #ref: string;
  readonly #timeout: number;

  /**
   * @param url of the repository, http or https, without a login
   * @param ref in full
   * @param timeout milliseconds that an answer may take, to its end
   */
  constructor(url: string, ref: string, format: 'sha1' | 'sha256', timeout: number) {
    this.#url = `${url.replace(/\/+$/, '')}/git-upload-pack`;
    this.#ref = ref;
    const lines = [linePacket('command=ls-refs'), linePacket(`object-format=${format}`)];
    const packets = [...lines, DELIM, linePacket(`ref-prefix ${ref}`), FLUSH];
    this.#body = Buffer.concat(packets.map(({ raw }) => raw));
    this.#timeout = timeout;
    this.#agent = new Agent({
      connect: { timeout },
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connections: 1,
      pipelining: 1,
    });
  }

  /**
   * Asks where the branch stands (gitprotocol-v2(5), "ls-refs"; of a stateless server that may be the first request).
   *
   * @returns null where there is no such branch; undefined where the server does not say, as when it wants a login, leads elsewhere, or knows no version 2
   * @throws Error where the server cannot be reached
   */
  async ask(signal: AbortSignal): Promise<string | null | undefined> {
    const end = new AbortController();
    const stop = () => end.abort();
    // A server that sends a byte now and then is never silent.
    const timer = setTimeout(stop, this.#timeout);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      return await this.#ask(end.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  async #ask(signal: AbortSignal): Promise<string | null | undefined> {
    const { protocol, host, pathname, search } = new URL(this.#url);
    const { statusCode, headers, body } = await this.#agent.request({
      origin: `${protocol}//${host}`,
      path: pathname + search,
      method: 'POST',
      headers: {
        'user-agent': 'git/gam',
        'git-protocol': 'version=2',
        'content-type': 'application/x-git-upload-pack-request',
        accept: 'application/x-git-upload-pack-result',
      },
      body: this.#body,
      signal,
    });
    const isAnswer = statusCode === 200 && headers['content-type'] === 'application/x-git-upload-pack-result';
    const decoder = new PacketDecoder();
    const packets: Packet[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length;
      if (bytes > LONGEST) return undefined;
      if (isAnswer) packets.push(...decoder.push(chunk as Buffer));
    }
    if (!isAnswer || packets.at(-1)?.kind !== 'flush') return undefined;
    const lines = packets.flatMap((packet) => (packet.kind === 'data' ? [String(packet.payload)] : []));
    const refs = lines.map((line) => parseRefLine(line.replace(/\n$/, '')));
    if (refs.includes(null)) return undefined;
    return refs.find((ref) => ref?.name === this.#ref)?.oid ?? null;
  }

  /** Closes the line. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
