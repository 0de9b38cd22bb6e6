import type { Readable, Writable } from 'node:stream';
import type { Started } from '../git/process.ts';
import { RESPONSE_END } from '../pkt-line/encode.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { BAND } from '../pkt-line/sideband.ts';
import { type FetchRequest, writeFetchRequest } from '../protocol/fetch-request.ts';
import { PacketSource } from '../transport/packet-source.ts';
import { Deadline } from '../transport/patience.ts';
import { write } from './flow.ts';
import { elsewhere } from './stage-order.ts';

/** How long upload-pack may in all be waited for, in the middle of its answer: it reads a file and packs nothing anew. */
const READING_MS = 300_000;

/** What is said of a mirror whose pack lacks something. */
export const LACKING = 'did not send all that was asked for';

/**
 * The answer to one fetch request that git's own upload-pack gives out of a stand-in. It exists once the first bytes
 * of the pack are here: pack-objects has by then walked over everything that goes into it and has found it.
 */
export class StandInAnswer {
  readonly #source: PacketSource;
  readonly #begun: readonly Packet[];

  private constructor(source: PacketSource, begun: readonly Packet[]) {
    this.#source = source;
    this.#begun = begun;
  }

  /**
   * Asks the stand-in, and waits until it is clear that the answer comes whole.
   * @throws GamError `mirror-broken` when something is missing of what the wanted ids lead to
   */
  static async begin({ child }: Started, request: FetchRequest, patience: Deadline): Promise<StandInAnswer> {
    const input = child.stdin as Writable;
    input.on('error', () => undefined);
    await write(input, ...writeFetchRequest(request).map((packet) => packet.raw));
    input.end();
    const source = new PacketSource(child.stdout as Readable);
    const begun: Packet[] = [];
    for (let pack = false; ; ) {
      const packet = await source.packet(patience);
      const [band] = packet?.kind === 'data' && pack ? packet.payload : [];
      if (packet === null || packet.kind === 'flush' || band === BAND.error)
        throw elsewhere('mirror-broken', LACKING);
      // What upload-pack says to people is about a place that they do not know.
      if (band !== BAND.progress) begun.push(packet);
      if (band === BAND.data) return new StandInAnswer(source, begun);
      if (packetLine(packet) === 'packfile') pack = true;
    }
  }

  /**
   * Sends the answer to git.
   * @param stateless whether git waits for the packet that ends each answer over a stateless line
   */
  async send(output: Writable, stateless: boolean): Promise<void> {
    const patience = new Deadline(READING_MS, 'its pack could not be read again');
    await write(output, ...this.#begun.map((packet) => packet.raw));
    for (;;) {
      const packet = await this.#source.packet(patience);
      if (packet === null) throw elsewhere('mirror-broken', patience.complaint);
      const end = packet.kind === 'flush';
      await write(output, packet.raw, ...(end && stateless ? [RESPONSE_END.raw] : []));
      if (end) return;
    }
  }
}
