import { GamError } from '../errors.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { BAND } from '../pkt-line/sideband.ts';
import { type Advertisement, formatLines } from '../protocol/advertisement.ts';
import { writeFetchRequest } from '../protocol/fetch-request.ts';
import { printable } from '../protocol/text.ts';

/** What a look at a mirror shows. */
export interface Probe {
  /** Milliseconds to the first byte of its answer. */
  latency: number;
  /** Where refs stand with it: object ids by name, HEAD among them. */
  refs: ReadonlyMap<string, string>;
  /** Bytes of a pack, and the milliseconds that they took. */
  sample: { bytes: number; ms: number };
  /** For how many seconds the mirror could not ask canonical, as it says itself; null where it says nothing. */
  stale: number | null;
}

/** What a mirror is asked for its refs by. */
export const REF_PREFIXES = ['HEAD', 'refs/heads/', 'refs/tags/'];

/** The most that a list of refs may weigh, in bytes. */
export const REFS_LIMIT = 16 * 1024 ** 2;

/** A sample ends at so many bytes, or after so many milliseconds. */
export const SAMPLE = { bytes: 1024 ** 2, ms: 3000 };

/** How long a server may take to count and compress before the pack starts, in milliseconds. */
export const PREPARATION = 10_000;

/** The commit whose pack is the sample: where HEAD stands, or else any branch. */
export function sampleTip(refs: ReadonlyMap<string, string>): string {
  const tip = refs.get('HEAD') ?? refs.values().next().value;
  if (tip === undefined) throw new GamError('mirror-behind', 'has no refs', { tryElsewhere: true });
  return tip;
}

/** Asks for the files of one commit (gitprotocol-v2(5), "fetch"), or for all where history cannot be cut. */
export function sampleRequest(advertisement: Advertisement, tip: string): Packet[] {
  const { capabilities } = advertisement;
  const cuts = (capabilities.get('fetch') ?? '').split(' ').includes('shallow');
  return writeFetchRequest({
    capabilities: ['command=fetch', ...formatLines(advertisement)],
    arguments: ['ofs-delta', 'no-progress', `want ${tip}`, ...(cuts ? ['deepen 1'] : []), 'done'],
  });
}

/** Measures a pack while it comes, from its first bytes on: what a server prepares before is not the line's rate. */
export class Sampler {
  #since: number | null = null;
  #first = 0;
  #bytes = 0;
  #at = 0;

  /**
   * Takes the next packet of the answer.
   * @returns true when the sample is large enough, or the pack over
   * @throws GamError with `tryElsewhere` when the mirror says that it failed
   */
  take(packet: Packet): boolean {
    if (packet.kind !== 'data') return packet.kind !== 'delim';
    const text = this.#since === null ? (packetLine(packet) ?? '') : '';
    const failed = text.startsWith('ERR ') ? text.slice('ERR '.length) : null;
    const stopped = packet.payload[0] === BAND.error ? packet.payload.toString('utf8', 1) : null;
    const words = failed ?? stopped;
    if (words !== null)
      throw new GamError('mirror-refused', `refused: ${printable(words.trim(), 120)}`, {
        tryElsewhere: true,
      });
    if (packet.payload[0] !== BAND.data) return false;
    this.#at = performance.now();
    this.#bytes += packet.payload.length - 1;
    if (this.#since === null) [this.#since, this.#first] = [this.#at, this.#bytes];
    return this.#bytes >= SAMPLE.bytes || this.#at - this.#since >= SAMPLE.ms;
  }

  /**
   * What came after the first packet, and in which time.
   * @throws GamError with `tryElsewhere` when no pack has come at all
   */
  get result(): Probe['sample'] {
    if (this.#since === null) throw new GamError('mirror-broken', 'sent no pack', { tryElsewhere: true });
    return { bytes: this.#bytes - this.#first, ms: this.#at - this.#since };
  }
}
