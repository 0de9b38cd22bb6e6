import { GamError } from '../errors.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import type { Connection } from '../transport/connection.ts';

/** Follows the answer to a question of gam's own. */
export interface Listener {
  /**
   * Takes a packet of the answer, the flush at its end, too.
   * @throws anything when it has heard enough, or something else: canonical's line is then opened anew for what git asks
   */
  packet(packet: Packet): void;
}

/** A request of gam's own in the conversation, of which git sees nothing. */
export class OwnQuestion {
  /** Whether git's conversation goes on over another line where this one breaks at it. */
  readonly aside: boolean;
  /** Told in the end whether canonical has answered, and did not refuse. */
  readonly heard: (granted: boolean) => void;
  readonly #listener: Listener | null;
  #refused = false;
  /** Whether the answer has come to its end. */
  #whole = false;

  /** @param listener null where only the end of the answer matters */
  constructor(listener: Listener | null, heard: (granted: boolean) => void, aside: boolean) {
    this.#listener = listener;
    this.heard = heard;
    this.aside = aside;
  }

  /**
   * Follows the answer.
   * @returns true for the packet that ends it
   * @throws GamError `bad-packet` where the line is of no use any more, and whatever the listener throws
   */
  follow(packet: Packet, line: Pick<Connection, 'stateless' | 'close'>): boolean {
    const { stateless } = line;
    if (packetLine(packet)?.startsWith('ERR ')) {
      this.#refused = true;
      // The answer to what git asked behind it may have come along, and would be taken for a part of this one.
      if (this.aside && !stateless) throw new GamError('bad-packet', 'canonical refused');
      // The server hangs up (upload-pack.c); what is sent before that is seen would be lost.
      if (!stateless) line.close();
    } else if (packet.kind !== 'response-end' && !this.#refused) this.#listener?.packet(packet);
    if (packet.kind === 'flush') this.#whole = true;
    if (packet.kind !== (stateless ? 'response-end' : 'flush')) return false;
    // git's web helper ends a request that failed in just this way, and then itself.
    if (this.aside && !this.#whole && !this.#refused) throw new GamError('bad-packet', 'canonical broke off');
    this.heard(!this.#refused);
    return true;
  }
}
