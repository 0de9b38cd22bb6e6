import { linePacket } from '../pkt-line/encode.ts';
import { formatLines } from '../protocol/advertisement.ts';
import { parseMirrorList } from '../protocol/mirror-list.ts';
import { listedVariable, MIRROR_LIST, writeMirrorListRequest } from '../protocol/mirror-list-request.ts';
import { type MirrorContact, openMirror } from './mirror-line.ts';
import { Deadline } from './patience.ts';

/** The most bytes of a list that are read. */
const LONGEST = 1024 ** 2;

async function asked(url: string, contact: MirrorContact): Promise<number | null> {
  const line = await openMirror(url, { ...contact, note: () => undefined });
  try {
    await line.send(writeMirrorListRequest({ url: null, skip: 0 }, formatLines(line.advertisement)));
    const lines = await line.source.lines(new Deadline(contact.settings.connectTimeout, 'no list'), LONGEST);
    const variables = lines.map((one) => listedVariable(linePacket(one)));
    return parseMirrorList(variables.filter((variable) => variable !== null)).stale;
  } finally {
    line.close();
  }
}

/**
 * Asks a mirror that tells lists whether it can ask canonical itself; over a line of its own, so that whatever is wrong with its list costs
 * nothing else.
 * @param capabilities as it has greeted
 * @returns for how many seconds it could not; null where it can, or says nothing
 */
export async function askStaleLine(
  url: string,
  capabilities: ReadonlyMap<string, unknown>,
  contact: MirrorContact,
): Promise<number | null> {
  if (!capabilities.has(MIRROR_LIST)) return null;
  const stale = await asked(url, contact).catch(() => null);
  contact.signal.throwIfAborted();
  return stale;
}
