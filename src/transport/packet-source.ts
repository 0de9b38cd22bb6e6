import type { Readable } from 'node:stream';
import { GamError } from '../errors.ts';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { printable } from '../protocol/text.ts';
import { type Patience, within } from './patience.ts';

const LONGEST_LINE = 1024;

/** Reads what a mirror sends, packet by packet, with patience that ends and a size that is bounded. */
export class PacketSource {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #decoder = new PacketDecoder();
  #packets: Packet[] = [];
  #next = 0;
  #bytes = 0;

  constructor(output: Readable) {
    this.#chunks = output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Bytes read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The next packet, null at the end of the stream. */
  async packet(patience: Patience): Promise<Packet | null> {
    for (;;) {
      const packet = this.#packets[this.#next];
      if (packet) {
        this.#next += 1;
        return packet;
      }
      const chunk = await this.#chunk(patience);
      if (chunk === null) return null;
      this.#packets = this.#decoder.push(chunk);
      this.#next = 0;
    }
  }

  /**
   * The lines up to the next flush packet.
   * @param limit the most bytes that they may take
   * @throws GamError `mirror-refused` for an error packet, `mirror-broken` when the answer ends first,
   *   `mirror-endless` when they take more
   */
  async lines(patience: Patience, limit: number): Promise<string[]> {
    const lines: string[] = [];
    const end = this.#bytes + limit;
    for (;;) {
      const packet = await this.packet(patience);
      if (packet === null || packet.kind === 'response-end')
        throw new GamError('mirror-broken', 'hung up', { tryElsewhere: true });
      if (packet.kind === 'flush') return lines;
      if (this.#bytes > end)
        throw new GamError('mirror-endless', 'sent an endless answer', { tryElsewhere: true });
      const line = packetLine(packet);
      // gitprotocol-pack(5), "pkt-line format": an error may come in the place of any answer.
      if (line?.startsWith('ERR ')) {
        const message = `refused: ${printable(line.slice('ERR '.length), 120)}`;
        throw new GamError('mirror-refused', message, { tryElsewhere: true });
      }
      if (line !== null) lines.push(line);
    }
  }

  /** One line of text that comes before the first packet; null at the end of the stream. */
  async textLine(patience: Patience): Promise<string | null> {
    let text: Buffer = Buffer.alloc(0);
    for (;;) {
      const end = text.indexOf(0x0a);
      if (end >= 0) {
        this.#packets = this.#decoder.push(text.subarray(end + 1));
        return text.toString('utf8', 0, end);
      }
      const chunk = text.length > LONGEST_LINE ? null : await this.#chunk(patience);
      if (chunk === null) return null;
      text = Buffer.concat([text, chunk]);
    }
  }

  async #chunk(patience: Patience): Promise<Buffer | null> {
    const result = await within(this.#chunks.next(), patience, (r) => (r.done ? 0 : r.value.length));
    if (result.done) return null;
    this.#bytes += result.value.length;
    return result.value;
  }
}
