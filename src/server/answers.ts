import { PacketDecoder } from '../pkt-line/decoder.ts';
import { linePacket } from '../pkt-line/encode.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';

/** What a web server may put before the greeting, with a flush behind it (gitprotocol-http(5), "Smart Clients"). */
const SERVICE_LINE = '# service=';

function nameOf(capability: string): string {
  return capability.split('=', 1)[0] ?? '';
}

/**
 * What git's upload-pack sends, on its way to the client: lines are added to its greeting, every other byte stays as it
 * is, and its answers are counted, so that one that is not git's can be put between two that are.
 *
 * An answer of upload-pack ends with the only flush packet in it (gitprotocol-v2(5)), and so does the greeting. A pack
 * passes in the chunks in which it comes; only the headers of its packets are looked at.
 */
export class Answers {
  readonly #decoder = new PacketDecoder();
  readonly #added: readonly string[];
  readonly #heard = new Set<string>();
  #phase: 'start' | 'service' | 'greeting' | 'answers' | 'unknown';
  /** How many answers are still to come; a greeting is the first. */
  #due: number;
  #waiting: (() => void)[] = [];

  /** @param added lines for the greeting; null where no greeting comes, as after the request of a stateless line */
  constructor(added: readonly string[] | null) {
    this.#added = added ?? [];
    this.#phase = added === null ? 'answers' : 'start';
    this.#due = added === null ? 0 : 1;
  }

  /** Tells that requests with so many answers are on their way to git. */
  expect(count: number): void {
    this.#due += count;
  }

  /** Takes what git sends, and returns what the client is to get. */
  push(chunk: Buffer): Buffer[] {
    if (this.#phase === 'unknown') return [chunk];
    const held = this.#decoder.pending;
    const isAnswers = this.#phase === 'answers';
    try {
      const packets = this.#decoder.push(chunk);
      if (!isAnswers) return this.#greet(packets);
      this.#count(packets);
      return [chunk];
    } catch {
      // These are no packets; what they are, the client will say.
      this.#giveUp();
      return isAnswers ? [chunk] : [held, chunk];
    }
  }

  /** Tells that git sends no more; returns what is left for the client. */
  end(): Buffer[] {
    const left = ['answers', 'unknown'].includes(this.#phase) ? [] : [this.#decoder.pending];
    this.#giveUp();
    return left;
  }

  /** Resolves to true when git has answered all that it was asked; to false where it never will, in protocol v2. */
  async allGiven(): Promise<boolean> {
    while (this.#due > 0 && this.#phase !== 'unknown')
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    return this.#phase !== 'unknown';
  }

  // A service that can do the same says so itself.
  #lacking(): string[] {
    return this.#added.filter((line) => !this.#heard.has(nameOf(line)));
  }

  #giveUp(): void {
    this.#phase = 'unknown';
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #count(packets: readonly Packet[]): void {
    const given = packets.filter(({ kind }) => kind === 'flush').length;
    if (given === 0) return;
    this.#due = Math.max(0, this.#due - given);
    this.#wake();
  }

  // The packets of a greeting go on whole; behind its flush, chunks go on as they come.
  #greet(packets: readonly Packet[]): Buffer[] {
    const out: Buffer[] = [];
    for (const [index, packet] of packets.entries()) {
      const rest = () => [...packets.slice(index).map(({ raw }) => raw), this.#decoder.pending];
      const line = packetLine(packet);
      if (this.#phase === 'greeting' && packet.kind === 'flush') {
        this.#phase = 'answers';
        this.#count(packets.slice(index));
        return [...out, ...this.#lacking().map((text) => linePacket(text).raw), ...rest()];
      }
      if (this.#phase === 'start') {
        if (line === 'version 2') this.#phase = 'greeting';
        else if (line?.startsWith(SERVICE_LINE)) this.#phase = 'service';
        else {
          // An error, or an older protocol.
          this.#giveUp();
          return [...out, ...rest()];
        }
      } else if (this.#phase === 'service' && packet.kind === 'flush') this.#phase = 'start';
      if (line !== null) this.#heard.add(nameOf(line));
      out.push(packet.raw);
    }
    return out;
  }
}
