import { PacketDecoder } from '../pkt-line/decoder.ts';
import type { Packet } from '../pkt-line/packet.ts';
import { type Advertisement, formatLines } from '../protocol/advertisement.ts';
import { parseMirrorList } from '../protocol/mirror-list.ts';
import { listedVariable, MIRROR_LIST, writeMirrorListRequest } from '../protocol/mirror-list-request.ts';
import { broken, type WebLook } from './web-look.ts';

/** The most bytes of a list that are read. */
const LONGEST = 1024 ** 2;

async function answered(look: WebLook, url: string, body: Buffer): Promise<number | null> {
  const type = 'application/x-git-upload-pack-request';
  const answer = await look.request(`${url}/git-upload-pack`, 'POST', { 'content-type': type }, body);
  const decoder = new PacketDecoder();
  const packets: Packet[] = [];
  let bytes = 0;
  for await (const chunk of look.chunks(answer)) {
    bytes += chunk.length;
    if (bytes > LONGEST) throw broken('has a list without end', 'mirror-broken');
    packets.push(...decoder.push(Buffer.from(chunk)));
  }
  return parseMirrorList(packets.map(listedVariable).filter((variable) => variable !== null)).stale;
}

/**
 * Asks a mirror that tells lists whether it can ask canonical itself.
 * @returns for how many seconds it could not; null where it can, or says nothing: whatever is wrong with its list, objects can be had
 */
export async function askStale(
  look: WebLook,
  url: string,
  advertisement: Advertisement,
  patience: number,
): Promise<number | null> {
  if (!advertisement.capabilities.has(MIRROR_LIST)) return null;
  const packets = writeMirrorListRequest({ url: null, skip: 0 }, formatLines(advertisement));
  const body = Buffer.concat(packets.map(({ raw }) => raw));
  return look.within(patience, 'no list', answered(look, url, body)).catch(() => null);
}
