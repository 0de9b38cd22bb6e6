import { GamError } from '../errors.ts';
import { DELIM, FLUSH, RESPONSE_END } from './encode.ts';
import { HEADER_LENGTH, LONGEST_PACKET, type Packet } from './packet.ts';

const CONTROL: readonly Packet[] = [FLUSH, DELIM, RESPONSE_END];

function headerLength(bytes: Buffer, at: number): number {
  const text = bytes.toString('latin1', at, at + HEADER_LENGTH);
  const length = /^[0-9a-fA-F]{4}$/.test(text) ? Number.parseInt(text, 16) : -1;
  if (length < 0 || length === 3 || length > LONGEST_PACKET) {
    throw new GamError('bad-packet', 'the other side does not speak git: no packet length', {
      tryElsewhere: true,
    });
  }
  return length;
}

function packetLength(bytes: Buffer, at: number): number {
  const length = headerLength(bytes, at);
  return CONTROL[length] ? HEADER_LENGTH : length;
}

function packetAt(bytes: Buffer, at: number): Packet | null {
  if (bytes.length - at < HEADER_LENGTH) return null;
  const length = headerLength(bytes, at);
  const control = CONTROL[length];
  if (control) return control;
  const end = at + length;
  if (end > bytes.length) return null;
  return { kind: 'data', payload: bytes.subarray(at + HEADER_LENGTH, end), raw: bytes.subarray(at, end) };
}

/**
 * Cuts a byte stream into packets, however the chunks fall. Holds at most one incomplete packet and copies
 * only packets that a chunk boundary cuts.
 */
export class PacketDecoder {
  #pending: Buffer = Buffer.alloc(0);

  /** The bytes of an incomplete packet that wait for more. */
  get pending(): Buffer {
    return this.#pending;
  }

  /**
   * Takes the next bytes and returns the packets that are whole now.
   *
   * @param stop the kind of packet behind which the bytes are no packets any more, such as the pack behind
   *   the flush of a push; they stay in `pending`
   * @throws GamError `bad-packet` on a length that no packet can have
   */
  push(chunk: Buffer, stop?: Packet['kind']): Packet[] {
    const packets: Packet[] = [];
    let bytes = chunk;
    if (this.#pending.length > 0) {
      // Only what the cut packet lacks is copied to it: chunks are as long as packets, and nearly every one cuts.
      const lacking = this.#lacking(chunk);
      this.#pending = Buffer.concat([this.#pending, chunk.subarray(0, lacking)]);
      const packet = packetAt(this.#pending, 0);
      if (packet === null) return packets;
      packets.push(packet);
      bytes = chunk.subarray(lacking);
    }
    let at = 0;
    for (;;) {
      const packet = stop !== undefined && packets.at(-1)?.kind === stop ? null : packetAt(bytes, at);
      if (packet === null) break;
      packets.push(packet);
      at += packet.raw.length;
    }
    this.#pending = bytes.subarray(at);
    return packets;
  }

  // How many bytes of a chunk belong to the packet that waits for them.
  #lacking(chunk: Buffer): number {
    const start = HEADER_LENGTH - this.#pending.length;
    if (start > chunk.length) return chunk.length;
    const header = start > 0 ? Buffer.concat([this.#pending, chunk.subarray(0, start)]) : this.#pending;
    return Math.min(chunk.length, packetLength(header, 0) - this.#pending.length);
  }
}
