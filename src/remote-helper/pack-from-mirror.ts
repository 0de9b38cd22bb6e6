import type { Writable } from 'node:stream';
import { GamError } from '../errors.ts';
import type { Started } from '../git/process.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { BAND } from '../pkt-line/sideband.ts';
import { type FetchRequest, writeFetchRequest } from '../protocol/fetch-request.ts';
import { printable } from '../protocol/text.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import { Deadline, type Patience, within } from '../transport/patience.ts';
import { REFUSED } from './fetch-from-mirror.ts';
import { write } from './flow.ts';
import { elsewhere } from './stage-order.ts';

/** How long index-pack may leave the pipe full, and take at the end: so long, and a second for 256 kB. */
const DIGEST_MS = 60_000;

/** What a mirror may send beside the pack: progress, packet headers, and a line for each end of a history. */
const TALK_LIMIT = { base: 1024 ** 2, eachArgument: 1024 };

/** One request, sent on to a mirror. */
export interface RoutedRequest {
  line: MirrorLine;
  request: FetchRequest;
  /** Reads the pack that comes. */
  indexPack: Started;
  /** How long the mirror may take until its pack starts, in milliseconds. */
  preparation: number;
  /** With the pack, once it comes. */
  patience: Patience;
  /** The most bytes that may come. */
  sizeLimit: number;
}

/** How long git may take over what a mirror sent. */
export function digestion(bytes: number): Deadline {
  return new Deadline(DIGEST_MS + bytes / 256, 'its pack could not be indexed');
}

/**
 * Sends a request to a mirror and feeds the pack of its answer to index-pack. Nothing else of the answer is used:
 * where a history ends, git finds out by itself.
 * @throws GamError with `tryElsewhere`: `mirror-refused` when the mirror answered with an error before a pack
 */
export async function packFromMirror(routed: RoutedRequest): Promise<void> {
  const { line, request, indexPack } = routed;
  const input = indexPack.child.stdin as Writable;
  input.on('error', () => undefined);
  await line.send(writeFetchRequest(request));
  const talkLimit = TALK_LIMIT.base + TALK_LIMIT.eachArgument * request.arguments.length;
  let patience: Patience = new Deadline(routed.preparation, 'no pack');
  let talk = 0;
  for (let started = false; ; ) {
    const packet = await line.source.packet(patience);
    if (packet === null) throw elsewhere('mirror-broken', 'hung up in the middle');
    if (line.source.bytes > routed.sizeLimit)
      throw elsewhere('mirror-broken', 'sent more than the size limit');
    const piece = started ? packPiece(packet) : null;
    if (piece === null || piece.length === 0) talk += packet.raw.length;
    if (talk > talkLimit) throw elsewhere('mirror-broken', 'sent endless text');
    if (!started) {
      started = isStart(packet);
    } else if (packet.kind !== 'data') {
      break;
    } else if (piece !== null && piece.length > 0) {
      patience = routed.patience;
      await within(write(input, piece), digestion(line.source.bytes), () => 0);
      if (input.destroyed) throw elsewhere('mirror-broken', REFUSED);
    }
  }
  input.end();
  const exit = await within(indexPack.exit, digestion(line.source.bytes), () => 0);
  if (exit.status !== 0) throw elsewhere('mirror-broken', REFUSED);
}

/** Whether the pack comes next; until then come lines that nothing depends on (gitprotocol-v2(5), "fetch"). */
function isStart(packet: Packet): boolean {
  if (packet.kind === 'flush' || packet.kind === 'response-end')
    throw elsewhere('mirror-broken', 'sent no pack');
  const text = packetLine(packet) ?? '';
  if (text.startsWith('ERR ')) {
    const message = `refused: ${printable(text.slice('ERR '.length), 120)}`;
    throw new GamError('mirror-refused', message, { tryElsewhere: true });
  }
  if (packet.kind === 'data' && !/^(?:packfile|shallow-info|(?:un)?shallow [0-9a-f]+)$/.test(text))
    throw elsewhere('mirror-broken', `sent '${printable(text, 40)}', which was not asked for`);
  return text === 'packfile';
}

/** What a packet behind `packfile` brings of the pack; null for what is none of it. */
function packPiece(packet: Packet): Buffer | null {
  if (packet.kind !== 'data') return null;
  const [band] = packet.payload;
  if (band === BAND.error)
    throw elsewhere('mirror-broken', `stopped: ${printable(packet.payload.toString('utf8', 1).trim(), 120)}`);
  return band === BAND.data ? packet.payload.subarray(1) : null;
}
