import { PacketDecoder } from '../pkt-line/decoder.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { type Advertisement, parseAdvertisement } from '../protocol/advertisement.ts';
import type { Connection } from '../transport/connection.ts';

/** What a server says first. */
export interface Greeting {
  /** What git is to read. */
  bytes: Buffer;
  version2: boolean;
  /** False when the line ended before the greeting did. */
  whole: boolean;
}

/** What a greeting in protocol v2 says; null for any other bytes. */
export function advertisementIn(greeting: Buffer): Advertisement | null {
  const lines = new PacketDecoder().push(greeting).map(packetLine);
  return parseAdvertisement(lines.filter((line) => line !== null));
}

/** Reads what canonical sends, chunk by chunk, as packets where it speaks protocol v2 and as bytes elsewhere. */
export class AnswerReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #decoder = new PacketDecoder();
  #left: Packet[] = [];
  #bytes = 0;

  constructor(connection: Pick<Connection, 'output'>) {
    this.#chunks = connection.output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Bytes read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Reads up to the flush behind the capabilities, or the first bytes of a server that is not on v2. */
  async greeting(): Promise<Greeting> {
    const passed: Buffer[] = [];
    for (let first = true; ; first = false) {
      const chunk = await this.chunk();
      if (chunk === null)
        return { bytes: Buffer.concat([...passed, this.#decoder.pending]), version2: false, whole: false };
      const packets = this.#decoder.push(chunk);
      if (first && packets[0] !== undefined && packetLine(packets[0]) !== 'version 2') {
        return { bytes: chunk, version2: false, whole: true };
      }
      const flush = packets.findIndex((packet) => packet.kind === 'flush');
      const mine = flush < 0 ? packets : packets.slice(0, flush + 1);
      passed.push(...mine.map((packet) => packet.raw));
      if (flush >= 0) {
        this.#left = packets.slice(flush + 1);
        return { bytes: Buffer.concat(passed), version2: true, whole: true };
      }
    }
  }

  /** The packets behind the greeting, in batches as they come. */
  async *batches(): AsyncGenerator<Packet[]> {
    if (this.#left.length > 0) yield this.#left;
    for (let chunk = await this.chunk(); chunk !== null; chunk = await this.chunk()) {
      yield this.#decoder.push(chunk);
    }
  }

  /** The next bytes as they come, null at the end; a line that breaks, as by a reset, ends there. */
  async chunk(): Promise<Buffer | null> {
    const next = await this.#chunks.next().catch(() => null);
    if (next === null || next.done) return null;
    this.#bytes += next.value.length;
    return next.value;
  }
}
