import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { BAND } from '../pkt-line/sideband.ts';
import { argumentValues, parseFetchRequest } from './fetch-request.ts';
import { badMirrorList } from './mirror-list.ts';
import { printable } from './text.ts';

/** Where a list is published for hosts whose server cannot be changed: the commit there has it as the file `mirrors`. */
export const PUBLISHED_REF = 'refs/meta/mirrors';

/** The file in that commit. */
export const PUBLISHED_FILE = 'mirrors';

/** The most bytes of an answer with a published list; it holds everything else that lies in that commit, too. */
export const LONGEST_PUBLISHED = 1024 ** 2;

/** A request for refs that asks for the published list's, too. */
export interface PublishedSought {
  packets: readonly Packet[];
  /** Whether a ref has come for that reason alone: whoever wrote the request has not asked for it. */
  hides: (name: string) => boolean;
}

/**
 * Has a request for refs ask for the one of a published list, too (gitprotocol-v2(5), "ls-refs"): so it costs no round trip to
 * learn of one. A request without prefixes asks for all refs, and is left as it is.
 */
export function seekPublished(packets: readonly Packet[]): PublishedSought {
  const prefixes = argumentValues(parseFetchRequest(packets), 'ref-prefix');
  const isAsked = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  if (prefixes.length === 0 || isAsked(PUBLISHED_REF)) return { packets, hides: () => false };
  return {
    packets: [...packets.slice(0, -1), linePacket(`ref-prefix ${PUBLISHED_REF}`), FLUSH],
    // A prefix brings whatever begins so.
    hides: (name) => name.startsWith(PUBLISHED_REF) && !isAsked(name),
  };
}

/**
 * Writes the request for the commit of a published list and all that lies in it, without those before it (gitprotocol-v2(5),
 * "fetch").
 * @param capabilities the lines of every request to this server, such as `agent=...` and `object-format=...`
 */
export function writePublishedRequest(commit: string, capabilities: readonly string[]): Packet[] {
  const head = ['command=fetch', ...capabilities].map(linePacket);
  const wanted = [`want ${commit}`, 'deepen 1', 'ofs-delta', 'no-progress', 'done'].map(linePacket);
  return [...head, DELIM, ...wanted, FLUSH];
}

/** The answer to writePublishedRequest(), as it comes. */
export class PublishedAnswer {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #begun = false;

  /**
   * Takes a packet of it.
   * @throws GamError `bad-mirror-list` for one that is none, and for more than LONGEST_PUBLISHED bytes
   */
  packet(packet: Packet): void {
    this.#bytes += packet.raw.length;
    if (this.#bytes > LONGEST_PUBLISHED) throw badMirrorList('comes with more than 1 MiB');
    if (packet.kind !== 'data') return;
    if (this.#begun) this.#take(packet.payload);
    else this.#listen(packetLine(packet) ?? '');
  }

  /** The pack that has come. */
  get pack(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  #listen(line: string): void {
    if (line === 'packfile') this.#begun = true;
    // Where the history is cut is no matter here: nothing but the one commit is read.
    else if (!/^shallow(?:-info| [0-9a-f]+)$/.test(line))
      throw badMirrorList(`comes with '${printable(line, 40)}'`);
  }

  #take(payload: Buffer): void {
    if (payload[0] === BAND.data) this.#pieces.push(payload.subarray(1));
    else if (payload[0] !== BAND.progress) throw badMirrorList('breaks off');
  }
}
