import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { dataPacket, FLUSH, linePacket, RESPONSE_END } from '../pkt-line/encode.ts';
import { BAND, bandPayload } from '../pkt-line/sideband.ts';
import { LONGEST_PIECE } from './completion.ts';
import { write } from './flow.ts';

/** `PACK`, the version, and the count of objects (gitformat-pack(5)). */
const HEADER = { length: 12, count: 8 };

/** How many objects a pack holds, as it says itself; index-pack has held that against what came. */
export async function objectCount(pack: string): Promise<number> {
  const file = await open(pack);
  try {
    const { buffer } = await file.read(Buffer.alloc(HEADER.length), 0, HEADER.length, 0);
    return buffer.readUInt32BE(HEADER.count);
  } finally {
    await file.close();
  }
}

/** An answer that is a pack as it came from a mirror, once it is known that it holds what was asked for and nothing else. */
export class PackAnswer {
  readonly #pack: string;

  /** @param pack its path */
  constructor(pack: string) {
    this.#pack = pack;
  }

  /**
   * Sends the answer to git.
   * @param stateless whether git waits for the packet that ends each answer over a stateless line
   */
  async send(output: Writable, stateless: boolean): Promise<void> {
    await write(output, linePacket('packfile').raw);
    for await (const piece of createReadStream(this.#pack, { highWaterMark: LONGEST_PIECE }))
      await write(output, dataPacket(bandPayload(BAND.data, piece as Buffer)).raw);
    await write(output, FLUSH.raw, ...(stateless ? [RESPONSE_END.raw] : []));
  }
}
