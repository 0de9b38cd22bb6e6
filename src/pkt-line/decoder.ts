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
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const packets: Packet[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER_LENGTH) {
      const length = headerLength(bytes, at);
      const control = CONTROL[length];
      const end = at + (control ? HEADER_LENGTH : length);
      if (end > bytes.length) break;
      packets.push(
        control ?? {
          kind: 'data',
          payload: bytes.subarray(at + HEADER_LENGTH, end),
          raw: bytes.subarray(at, end),
        },
      );
      at = end;
      if (stop !== undefined && packets.at(-1)?.kind === stop) break;
    }
    this.#pending = bytes.subarray(at);
    return packets;
  }
}
