import { GamError } from '../errors.ts';
import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { LONGEST, parseNumber } from './mirror-list.ts';
import { printable } from './text.ts';

/** The capability, and the command, by which a server tells its mirrors: a sibling of git's `bundle-uri` (gitprotocol-v2(5)). */
export const MIRROR_LIST = 'mirror-list';

/** What a client asks for. */
export interface MirrorListRequest {
  /** The canonical URL that a mirror is asked for; null for the repository that was named anyway. */
  url: string | null;
  /** How many mirrors the client knows already, from the list's beginning. */
  skip: number;
}

/** An error in what a client asks, as git's upload-pack words those of its own commands. */
export function badRequest(why: string): GamError {
  return new GamError('bad-request', why);
}

/**
 * Reads a request for the list out of its packets; arguments that are not known are ignored.
 * @throws GamError `bad-request` for a `skip` that is no number, and for a URL longer than any list may hold
 */
export function parseMirrorListRequest(packets: readonly Packet[]): MirrorListRequest {
  const delim = packets.findIndex(({ kind }) => kind === 'delim');
  const lines = delim < 0 ? [] : packets.slice(delim).flatMap((packet) => packetLine(packet) ?? []);
  return readMirrorListRequest(
    (name) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? null,
  );
}

/**
 * Reads a request for the list out of its arguments, however they came.
 * @param value that of a name, null where it was not given
 * @throws GamError `bad-request` as parseMirrorListRequest() does
 */
export function readMirrorListRequest(value: (name: string) => string | null): MirrorListRequest {
  const [url, skip] = [value('url') ?? '', value('skip') ?? '0'];
  if (url.length > LONGEST.url)
    throw badRequest(`${MIRROR_LIST}: url is longer than ${LONGEST.url} characters`);
  const skipped = parseNumber(skip, Number.MAX_SAFE_INTEGER);
  if (skipped === null) throw badRequest(`${MIRROR_LIST}: skip is no number: '${printable(skip, 20)}'`);
  return { url: url || null, skip: skipped };
}

/**
 * Writes the packets that parseMirrorListRequest() reads.
 * @param capabilities the lines of every request to this server, such as `agent=...` and `object-format=...`
 */
export function writeMirrorListRequest(
  { url, skip }: MirrorListRequest,
  capabilities: readonly string[],
): Packet[] {
  const lines = [...(url === null ? [] : [`url=${url}`]), ...(skip === 0 ? [] : [`skip=${skip}`])];
  const head = [`command=${MIRROR_LIST}`, ...capabilities].map(linePacket);
  return [...head, DELIM, ...lines.map(linePacket), FLUSH];
}

/** Takes the variables of an answer out of one of its packets; null for a packet that holds none. */
export function listedVariable(packet: Packet): [key: string, value: string] | null {
  const line = packetLine(packet);
  const equals = line?.indexOf('=') ?? -1;
  return line === null || equals < 0 ? null : [line.slice(0, equals), line.slice(equals + 1)];
}
