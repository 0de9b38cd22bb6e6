import { pushDestination, staysHere } from '../mirror/push.ts';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { dataPacket, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { BAND, bandPayload } from '../pkt-line/sideband.ts';

/** A push batch of gitremote-helpers(7), less what must stay here. */
export interface PushBatch {
  /** The `push` lines to pass on. */
  lines: string[];
  /** The destinations kept back. */
  kept: string[];
}

/** Splits the lines of a push batch. */
export function splitPushBatch(lines: readonly string[]): PushBatch {
  const destination = (line: string) => pushDestination(line.slice('push '.length));
  return {
    lines: lines.filter((line) => !staysHere(destination(line))),
    kept: lines.map(destination).filter(staysHere),
  };
}

/** The line that tells the user of refs kept back. */
export function keptLine(count: number): string {
  return `kept back ${count} ${count === 1 ? 'ref' : 'refs'} under refs/mirror/, which are not part of this repository`;
}

/** What a helper says of a ref that was not pushed so that git neither shows it nor fails for it. */
export function keptStatus(ref: string): string {
  return `error ${ref} no match\n`;
}

// `<old> <new> <ref>[NUL <capabilities>]` (gitprotocol-pack(5), "Reference Update Request").
function commandRef(packet: Packet): string | null {
  return /^[0-9a-f]+ [0-9a-f]+ ([^\0]+)/.exec(packetLine(packet) ?? '')?.[1] ?? null;
}

/**
 * Keeps refs/mirror/* out of a push over receive-pack's own protocol: drops their commands from the request,
 * and reports them as done, since send-pack takes a ref without a report for a failure.
 */
export class PushFilter {
  /** The refs kept back. */
  readonly kept: string[] = [];
  readonly #requests = new PacketDecoder();
  readonly #answers = new PacketDecoder();
  readonly #report = new PacketDecoder();
  #commands: Packet[] | null = [];
  #capabilities = '';
  #advertised = false;
  #emptied = false;
  #reported: Packet[] = [];

  /** Takes what git sends and returns what goes on. */
  request(chunk: Buffer): Buffer {
    if (this.#commands === null) return chunk;
    this.#commands.push(...this.#requests.push(chunk, 'flush'));
    if (this.#commands.at(-1)?.kind !== 'flush') return Buffer.alloc(0);
    const commands = this.#filtered(this.#commands);
    this.#commands = null;
    return Buffer.concat([...commands.map((packet) => packet.raw), this.#requests.pending]);
  }

  /** Takes what receive-pack sends and returns what git is to read. */
  answer(chunk: Buffer): Buffer {
    const out = this.#answers.push(chunk).map((packet) => {
      if (this.#advertised && this.kept.length > 0) return this.#withReport(packet);
      if (packet.kind === 'flush') this.#advertised = true;
      return packet.raw;
    });
    return Buffer.concat(out);
  }

  /**
   * What git is to read when nothing is left to push: receive-pack says nothing to a request without
   * commands. null when it was asked for something.
   */
  ownReport(): Buffer | null {
    if (!this.#emptied) return null;
    const report = this.#reportOf([linePacket('unpack ok')]);
    return this.#banded() ? Buffer.concat([report, FLUSH.raw]) : report;
  }

  #banded(): boolean {
    return this.#capabilities.includes('side-band-64k');
  }

  #filtered(commands: readonly Packet[]): Packet[] {
    const carrier = commands.find((packet) => packet.kind === 'data' && packet.payload.includes(0));
    if (carrier?.kind === 'data')
      this.#capabilities = carrier.payload.toString('latin1', carrier.payload.indexOf(0));
    const passed = commands.filter((packet) => !staysHere(commandRef(packet) ?? ''));
    if (passed.length === commands.length) return passed;
    this.kept.push(...commands.map((packet) => commandRef(packet) ?? '').filter(staysHere));
    this.#emptied = !passed.some((packet) => commandRef(packet) !== null);
    if (carrier && passed.includes(carrier)) return passed;
    // The capabilities travel behind the first command, whichever that is now.
    const first = passed.findIndex((packet) => commandRef(packet) !== null);
    return passed.map((packet, index) =>
      index === first && packet.kind === 'data'
        ? dataPacket(Buffer.concat([packet.payload, Buffer.from(this.#capabilities, 'latin1')]))
        : packet,
    );
  }

  #reportOf(lines: readonly Packet[]): Buffer {
    const all = [...lines, ...this.kept.map((ref) => linePacket(`ok ${ref}`)), FLUSH];
    const report = Buffer.concat(all.map((line) => line.raw));
    return this.#banded() ? dataPacket(bandPayload(BAND.data, report)).raw : report;
  }

  #withReport(packet: Packet): Buffer {
    const banded = this.#banded();
    if (banded && (packet.kind !== 'data' || packet.payload[0] !== BAND.data)) return packet.raw;
    const inner = banded && packet.kind === 'data' ? packet.payload.subarray(1) : packet.raw;
    this.#reported.push(...this.#report.push(inner));
    if (this.#reported.at(-1)?.kind !== 'flush') return Buffer.alloc(0);
    const report = this.#reportOf(this.#reported.slice(0, -1));
    this.#reported = [];
    return report;
  }
}
