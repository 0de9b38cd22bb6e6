import { FLUSH, linePacket } from '../pkt-line/encode.ts';
import { MIRROR_LIST, type MirrorListRequest } from '../protocol/mirror-list-request.ts';
import { carriedList, hereFor } from './carried-list.ts';
import type { Carrier } from './carrier.ts';
import type { Exchange } from './exchange.ts';
import { answerForTable, NOT_KEPT, requestForTable } from './list-request.ts';
import { listRow } from './mirror-list.ts';
import { answerByJson } from './mirrors-page.ts';
import { asksForV2 } from './protocol-version.ts';
import type { Target } from './request-path.ts';
import type { Service } from './service.ts';

/** A greeting of protocol v2 with one capability: there is no repository here, but somebody who knows where it is. */
const GREETING = Buffer.concat([...['version 2', MIRROR_LIST].map(linePacket), FLUSH].map(({ raw }) => raw));

/**
 * Answers at the URL of a server itself, where there is no repository: what is known by `url=<canonical url>` is at such and such
 * a URL, or these are the URLs that are carried. By the command `mirror-list` of protocol v2, and at `/info/mirrors`.
 * @param patience for the next bytes of the request, in milliseconds
 * @returns false where that is not what is asked for
 */
export async function answerAsHost(
  exchange: Exchange,
  target: Target,
  service: Service,
  carrier: Carrier,
  patience: number,
): Promise<boolean> {
  const here = hereFor(exchange, carrier, null);
  const tell = (asked: MirrorListRequest) => carriedList(asked, here, carrier);
  if (service.name === 'mirrors') {
    await answerByJson(exchange, target.query, tell, () => false);
    return true;
  }
  if (service.name !== 'upload-pack' || !asksForV2(exchange.asksFor)) return false;
  if (exchange.request.method !== 'POST') {
    const type = { 'Content-Type': 'application/x-git-upload-pack-advertisement' };
    exchange.say(200, GREETING, { ...type, ...NOT_KEPT });
    return true;
  }
  const table = [listRow(tell)];
  const part = await requestForTable(exchange, table, patience);
  if (part === null) exchange.refuse(404, 'no repository there, and no question for a list');
  else await answerForTable(exchange, part, table);
  return true;
}
