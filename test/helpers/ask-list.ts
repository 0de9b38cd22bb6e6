import { PacketDecoder } from '../../src/pkt-line/decoder.ts';
import { type Packet, packetLine } from '../../src/pkt-line/packet.ts';
import { type MirrorList, parseMirrorList } from '../../src/protocol/mirror-list.ts';
import {
  listedVariable,
  type MirrorListRequest,
  writeMirrorListRequest,
} from '../../src/protocol/mirror-list-request.ts';
import { ask, type RawAnswer } from './raw-request.ts';

/** A repository behind a web server. */
export interface AskedRepository {
  url: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
}

/** The body of a request for the mirror list. */
export function listRequest(asked: Partial<MirrorListRequest> = {}, format = 'sha1'): Buffer {
  const packets = writeMirrorListRequest({ url: null, skip: 0, ...asked }, [
    'agent=raw/1',
    `object-format=${format}`,
  ]);
  return Buffer.concat(packets.map(({ raw }) => raw));
}

/** Posts a body to git-upload-pack, in protocol v2. */
export function postUploadPack(
  { url, path, headers = {} }: AskedRepository,
  body: Buffer | string,
): Promise<RawAnswer> {
  const type = { 'Git-Protocol': 'version=2', 'Content-Type': 'application/x-git-upload-pack-request' };
  return ask({
    url,
    path: `${path}/git-upload-pack`,
    method: 'POST',
    headers: { ...type, ...headers },
    body,
  });
}

/** The packets of a body. */
export function packetsOf(body: Buffer): Packet[] {
  return new PacketDecoder().push(body);
}

/** The mirror list in an answer. */
export function listIn({ body }: Pick<RawAnswer, 'body'>): MirrorList {
  return parseMirrorList(
    packetsOf(body)
      .map(listedVariable)
      .filter((variable) => variable !== null),
  );
}

/** Asks a repository for its mirror list, by the command of protocol v2. */
export async function askList(
  asked: AskedRepository,
  request: Partial<MirrorListRequest> = {},
): Promise<MirrorList> {
  return listIn(await postUploadPack(asked, listRequest(request)));
}

/** The lines that a greeting has, for a client of protocol v2. */
export async function greetingOf({ url, path, headers = {} }: AskedRepository): Promise<string[]> {
  const { body } = await ask({
    url,
    path: `${path}/info/refs?service=git-upload-pack`,
    headers: { 'Git-Protocol': 'version=2', ...headers },
  });
  return packetsOf(body).map((packet) => packetLine(packet) ?? packet.kind);
}
