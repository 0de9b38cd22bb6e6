import { DELIM, dataPacket, FLUSH, linePacket, RESPONSE_END } from '../pkt-line/encode.ts';
import { HEADER_LENGTH, LONGEST_PACKET, type Packet, packetLine } from '../pkt-line/packet.ts';
import { BAND, bandPayload } from '../pkt-line/sideband.ts';
import { argumentValues, type FetchRequest, hasArgument } from '../protocol/fetch-request.ts';

/** The most of a pack that a packet carries behind its header and its band. */
export const LONGEST_PIECE = LONGEST_PACKET - HEADER_LENGTH - 1;

/** What staging changed for a fetch request that git had already written. */
export interface Completion {
  /** Objects that are here now, with all they lead to. */
  complete: ReadonlySet<string>;
  /** Annotated tags to ask for beside what git wants, as it would have got them. */
  tags: readonly string[];
  /** The hash of the object ids, `sha1` or `sha256`. */
  format: string;
  /** The pack to answer with when nothing is left to ask canonical for. */
  pack: Buffer;
  /** Ids to name as `have`: tips that lead to everything staged. */
  haves: readonly string[];
}

/** Whether nothing is left to ask canonical for. */
export function isComplete(request: FetchRequest, completion: Completion): boolean {
  const wants = argumentValues(request, 'want');
  const left = [...wants, ...completion.tags].filter((oid) => !completion.complete.has(oid));
  return !hasArgument(request, 'want-ref') && left.length === 0;
}

/**
 * The request as git would have written it after staging: without the wants that are here, with the tags that would
 * have come along, and with the staged tips among the haves (gitprotocol-v2(5), "fetch"). `done` stays last.
 */
export function completedRequest(request: FetchRequest, completion: Completion): FetchRequest {
  const own = new Set(argumentValues(request, 'have'));
  const left = request.arguments.filter((a) => {
    const oid = a.startsWith('want ') ? a.slice('want '.length) : null;
    return a !== 'done' && (oid === null || !completion.complete.has(oid));
  });
  const haves = completion.haves.filter((oid) => !own.has(oid)).map((oid) => `have ${oid}`);
  const asked = new Set(argumentValues(request, 'want'));
  const beside = completion.tags.filter((oid) => !asked.has(oid) && !completion.complete.has(oid));
  const tags = [...new Set(beside)].map((oid) => `want ${oid}`);
  const done = request.arguments.includes('done') ? ['done'] : [];
  return { capabilities: request.capabilities, arguments: [...left, ...tags, ...haves, ...done] };
}

/**
 * The line of an answer's packet, out of its band where git asked for `sideband-all` (gitprotocol-v2(5)); null
 * for a packet that is none.
 */
export function answerLine(packet: Packet, request: FetchRequest): string | null {
  if (packet.kind !== 'data' || !hasArgument(request, 'sideband-all')) return packetLine(packet);
  return packet.payload[0] === BAND.data ? packet.payload.toString('utf8', 1).replace(/\n$/, '') : null;
}

/**
 * Whether an acknowledgment is for git's ears. It must not hear of a `have` that it did not send: its
 * skipping negotiator would die of it.
 */
export function isForGit(packet: Packet, request: FetchRequest): boolean {
  const line = answerLine(packet, request);
  if (!line?.startsWith('ACK ')) return true;
  return argumentValues(request, 'have').includes(line.slice('ACK '.length).split(' ', 1)[0] ?? '');
}

const EMPTY = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');

/** Of EMPTY, by object format; to load node:crypto would take longer than the rest of an answer. */
const CHECKSUM = {
  sha1: '029d08823bd8a8eab510ad6ac75c823cfd3ed31e',
  sha256: '7ed890d8a45760f3eecf73045b1d1047085af4776dc683d78eac82203df1993f',
};

/** A pack of no objects: the header of gitformat-pack(5) and its checksum. */
export function emptyPack(format: string): Buffer {
  return Buffer.concat([EMPTY, Buffer.from(format === 'sha256' ? CHECKSUM.sha256 : CHECKSUM.sha1, 'hex')]);
}

/** The answer to a request when everything wanted is here already, as canonical would have written it. */
export function packAnswer(request: FetchRequest, pack: Buffer, stateless: boolean): Packet[] {
  const banded = hasArgument(request, 'sideband-all');
  const line = (text: string) =>
    banded ? dataPacket(bandPayload(BAND.data, Buffer.from(`${text}\n`))) : linePacket(text);
  const acknowledged = hasArgument(request, 'done') ? [] : [line('acknowledgments'), line('ready'), DELIM];
  const pieces: Packet[] = [];
  for (let at = 0; at < pack.length; at += LONGEST_PIECE) {
    pieces.push(dataPacket(bandPayload(BAND.data, pack.subarray(at, at + LONGEST_PIECE))));
  }
  const end = stateless ? [FLUSH, RESPONSE_END] : [FLUSH];
  return [...acknowledged, line('packfile'), ...pieces, ...end];
}
