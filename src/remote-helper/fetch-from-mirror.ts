import type { Readable, Writable } from 'node:stream';
import { GamError } from '../errors.ts';
import type { WantedRef } from '../git/fetch-pack.ts';
import type { Started } from '../git/process.ts';
import type { Observation } from '../mirror/measure.ts';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { FLUSH, linePacket, RESPONSE_END } from '../pkt-line/encode.ts';
import { HEADER_LENGTH, type Packet, packetLine } from '../pkt-line/packet.ts';
import { BAND } from '../pkt-line/sideband.ts';
import { objectFormat, writeAdvertisement } from '../protocol/advertisement.ts';
import {
  argumentValues,
  type FetchRequest,
  parseFetchRequest,
  requestedCommand,
  writeFetchRequest,
} from '../protocol/fetch-request.ts';
import { writeRefLine } from '../protocol/ls-refs.ts';
import { printable } from '../protocol/text.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import { Deadline, type Patience, within } from '../transport/patience.ts';
import { isForGit } from './completion.ts';
import { write } from './flow.ts';

/** How long index-pack may leave the pipe full before the pack counts as one that cannot be digested. */
const DIGEST_MS = 300_000;

/** How long a mirror may take over its list of refs, and to count and compress before its pack starts, in units of gam.lowSpeedTime. */
export const PREPARATION = 6;

/** What a mirror may send beside the pack: progress and packet headers, and an answer to each `have`. */
const TALK_LIMIT = { base: 1024 ** 2, eachHave: 128 };

/** One fetch of wanted refs through `git fetch-pack`. */
export interface MirrorFetch {
  line: MirrorLine;
  fetchPack: Started;
  refs: readonly WantedRef[];
  /** Objects to name as `have` that no ref of the repository leads to yet. */
  haves: readonly string[];
  /** How long the mirror may take until its pack starts, in milliseconds. */
  preparation: number;
  /** With the pack, once it comes. */
  patience: Patience;
  /** The most bytes that may come. */
  sizeLimit: number;
  /** Takes what is seen of the mirror, to be remembered. */
  note: (seen: Observation) => void;
}

/** The reason when git itself could do nothing with what came; git's own words say why. */
export const REFUSED = 'sent a pack that git refuses';

function broken(message: string): GamError {
  return new GamError('mirror-broken', message, { tryElsewhere: true });
}

/**
 * Sits between `git fetch-pack` and a mirror: shows fetch-pack a server that has just the refs to be
 * staged, passes its fetch requests on, and watches bytes, rate and size of what comes back. The pack
 * itself is not looked into, but for the number of objects at its head.
 *
 * @throws GamError with `tryElsewhere`: `mirror-refused` when the mirror answered with an error before a pack
 */
export async function fetchFromMirror(fetch: MirrorFetch): Promise<void> {
  const { child } = fetch.fetchPack;
  const input = child.stdin as Writable;
  const output = child.stdout as Readable;
  input.on('error', () => undefined);
  await put(input, [
    ...fetch.refs.map((ref) => linePacket(`${ref.oid} ${ref.name}`)),
    FLUSH,
    ...greeting(fetch.line).map(linePacket),
    FLUSH,
  ]);
  const conversation = new Conversation(fetch, input);
  const decoder = new PacketDecoder();
  let request: Packet[] = [];
  for await (const chunk of output) {
    if (conversation.over) continue;
    for (const packet of decoder.push(chunk as Buffer)) {
      request.push(packet);
      if (packet.kind !== 'flush') continue;
      await conversation.answer(request);
      request = [];
    }
  }
  const patience = new Deadline(60_000 + fetch.line.source.bytes / 256, 'its pack could not be indexed');
  const exit = await within(fetch.fetchPack.exit, patience, () => 0);
  if (exit.status !== 0) throw broken(REFUSED);
}

// fetch-pack learns of nothing that it could use and the helper would have to understand: no ref-in-want,
// no pack URIs, no side-band for everything.
function greeting(line: MirrorLine): string[] {
  return writeAdvertisement({
    capabilities: new Map<string, string | null>([
      ['agent', line.advertisement.capabilities.get('agent') ?? 'git/mirror'],
      ['ls-refs', null],
      ['fetch', null],
      ['object-format', objectFormat(line.advertisement)],
    ]),
  });
}

async function put(input: Writable, packets: readonly Packet[]): Promise<void> {
  const written = write(input, ...packets.map((packet) => packet.raw));
  await within(written, new Deadline(DIGEST_MS, 'its pack could not be digested'), () => 0);
}

/** How much of a pack a side-band packet carries; a keep-alive carries nothing (upload-pack.c). */
function packBytes(packet: Packet): number {
  return packet.kind === 'data' && packet.payload[0] === BAND.data ? packet.payload.length - 1 : 0;
}

/** The head of a pack: `PACK`, the version, and how many objects follow, each of four bytes (gitformat-pack(5)). */
const PACK_HEAD = 12;

class Conversation {
  /** True once the answer with the pack is through; what fetch-pack prints then is not for a server. */
  over = false;
  readonly #fetch: MirrorFetch;
  readonly #input: Writable;
  #haves = 0;
  #common = false;
  #talk = 0;
  #packBytes = 0;
  #head: Buffer = Buffer.alloc(0);
  /** When the first byte of the pack came; on performance.now()'s clock. */
  #packSince = 0;

  constructor(fetch: MirrorFetch, input: Writable) {
    this.#fetch = fetch;
    this.#input = input;
  }

  async answer(request: readonly Packet[]): Promise<void> {
    const command = requestedCommand(request);
    if (command === 'ls-refs') {
      const lines = this.#fetch.refs.map((ref) => linePacket(writeRefLine({ ...ref, peeled: null })));
      await put(this.#input, [...lines, FLUSH, RESPONSE_END]);
    } else if (command === 'fetch') {
      const parsed = parseFetchRequest(request);
      this.#haves += argumentValues(parsed, 'have').length;
      const more = this.#fetch.haves.length > 0;
      await this.#fetch.line.send(more ? writeFetchRequest(this.#withHaves(parsed)) : request);
      await this.#passAnswer(parsed);
    }
  }

  #withHaves(request: FetchRequest): FetchRequest {
    const others = request.arguments.filter((argument) => argument !== 'done');
    const haves = this.#fetch.haves.map((oid) => `have ${oid}`);
    const done = request.arguments.includes('done') ? ['done'] : [];
    return { ...request, arguments: [...others, ...haves, ...done] };
  }

  async #passAnswer(request: FetchRequest): Promise<void> {
    const { line } = this.#fetch;
    let patience: Patience = new Deadline(this.#fetch.preparation, 'no pack');
    let pack = false;
    for (;;) {
      const packet = await line.source.packet(patience);
      if (packet === null) throw broken('hung up in the middle');
      if (!pack) {
        await this.#judge(packet, patience);
        if (packetLine(packet) === 'packfile') pack = true;
        this.#packSince = performance.now();
      } else if (packBytes(packet) > 0) {
        this.#readHead(packet);
        patience = this.#fetch.patience;
      }
      this.#measure(packet, pack);
      const end = packet.kind === (line.stateless ? 'response-end' : 'flush');
      if (end && pack) {
        this.over = true;
        const ms = performance.now() - this.#packSince;
        this.#fetch.note({ kind: 'pack', bytes: this.#packBytes, ms });
      }
      const passed = pack || isForGit(packet, request) ? [packet] : [];
      await put(this.#input, end && !line.stateless ? [...passed, RESPONSE_END] : passed);
      // fetch-pack has hung up before the end, and the rest of what may be gigabytes is for nobody.
      if (!this.over && this.#input.destroyed) throw broken(REFUSED);
      if (end) return;
    }
  }

  // Where a server answers from its bitmaps, the first packet ends before the last byte of the head (upload-pack.c).
  #readHead({ raw }: Packet): void {
    if (this.#head.length >= PACK_HEAD) return;
    this.#head = Buffer.concat([this.#head, raw.subarray(HEADER_LENGTH + 1)]).subarray(0, PACK_HEAD);
    if (this.#head.length === PACK_HEAD) this.#fetch.patience.begins?.(this.#head.readUInt32BE(8));
  }

  // Text and empty packets cost time that no patience counts, since git takes it to show them.
  #measure(packet: Packet, pack: boolean): void {
    const { line, sizeLimit } = this.#fetch;
    if (line.source.bytes > sizeLimit) throw broken('sent more than the size limit');
    const carried = pack ? packBytes(packet) : 0;
    this.#packBytes += carried;
    this.#talk += packet.raw.length - 2 * carried;
    if (this.#talk > TALK_LIMIT.base + TALK_LIMIT.eachHave * this.#haves) throw broken('sent endless text');
    if (pack && packet.kind === 'data' && packet.payload[0] === BAND.error)
      throw broken(`stopped: ${printable(packet.payload.toString('utf8', 1).trim(), 120)}`);
  }

  async #judge(packet: Packet, patience: Patience): Promise<void> {
    const text = packetLine(packet) ?? '';
    if (text.startsWith('ERR ')) {
      // The line can be used again once the rest of this answer is off it.
      const { source, stateless } = this.#fetch.line;
      let rest: Packet | null = stateless ? packet : null;
      while (rest && rest.kind !== 'response-end') rest = await source.packet(patience);
      const message = `refused: ${printable(text.slice('ERR '.length), 120)}`;
      throw new GamError('mirror-refused', message, { tryElsewhere: true });
    }
    // fetch-pack acts on what nobody asked for: with `packfile-uris` it would fetch from any host, and with the
    // user's own http configuration (seen on git 2.39.5).
    if (
      packet.kind === 'data' &&
      !/^(?:acknowledgments$|ACK |NAK$|ready$|packfile$|shallow-info$)/.test(text)
    )
      throw broken(`sent '${printable(text, 40)}', which was not asked for`);
    // index-pack would take the ends of a shallow history for its roots, and find nothing missing.
    if (text === 'shallow-info') throw broken('is a shallow clone');
    if (text.startsWith('ACK ') || text === 'ready') this.#common = true;
    // A true mirror knows some of what is here; one that knows nothing of it would send a foreign history.
    if (text === 'packfile' && this.#haves > 0 && !this.#common)
      throw broken('shares no history with this repository');
  }
}
