import { GamError } from '../errors.ts';
import type { Packet } from '../pkt-line/packet.ts';
import { type Advertisement, parseAdvertisement } from '../protocol/advertisement.ts';
import type { Connection } from '../transport/connection.ts';
import { PacketSource } from '../transport/packet-source.ts';
import { Deadline } from '../transport/patience.ts';

/** How long canonical may take to greet, in milliseconds; a login may be asked for. For each answer then, as long again. */
const PATIENCE_MS = 60_000;

/** The most bytes of a greeting. */
const LONGEST_GREETING = 64 * 1024;

const patience = () => new Deadline(PATIENCE_MS, 'no answer');

/** A line to canonical's upload-pack, over which questions are asked one after the other. */
export class OpenedLine {
  readonly #line: Connection;
  readonly #source: PacketSource;

  constructor(line: Connection) {
    this.#line = line;
    this.#source = new PacketSource(line.output);
  }

  /**
   * Reads how canonical greets.
   * @returns null where it does not speak protocol v2
   * @throws GamError `canonical-failed` where it is silent
   */
  async greeting(): Promise<Advertisement | null> {
    const wait = patience();
    const opened = this.#line.stateless ? await this.#source.textLine(wait) : '';
    if (opened === null) throw new GamError('canonical-failed', 'canonical does not answer');
    return opened === '' ? parseAdvertisement(await this.#source.lines(wait, LONGEST_GREETING)) : null;
  }

  /** Asks, and reads the lines of the answer. @param limit the most bytes that they may take */
  async lines(request: readonly Packet[], limit: number): Promise<string[]> {
    this.#send(request);
    const lines = await this.#source.lines(patience(), limit);
    await this.#end();
    return lines;
  }

  /** Asks, and hands over the packets of the answer, up to its flush; an error of `take` ends the line. */
  async packets(request: readonly Packet[], take: (packet: Packet) => void): Promise<void> {
    this.#send(request);
    const wait = patience();
    for (;;) {
      const packet = await this.#source.packet(wait);
      if (packet === null || packet.kind === 'response-end')
        throw new GamError('canonical-failed', 'canonical broke off');
      take(packet);
      if (packet.kind === 'flush') break;
    }
    await this.#end();
  }

  #send(request: readonly Packet[]): void {
    this.#line.input.write(Buffer.concat(request.map(({ raw }) => raw)));
  }

  // gitremote-helpers(7), "stateless-connect": a packet of its own ends each answer.
  async #end(): Promise<void> {
    if (this.#line.stateless) await this.#source.packet(patience());
  }
}
