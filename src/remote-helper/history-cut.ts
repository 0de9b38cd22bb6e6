import type { Cut, Position } from '../mirror/cut.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { formatLines } from '../protocol/advertisement.ts';
import { writeFetchRequest } from '../protocol/fetch-request.ts';
import { printable } from '../protocol/text.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import type { Patience } from '../transport/patience.ts';
import { elsewhere } from './stage-order.ts';

/** The most that an answer may weigh: so many commits lie nowhere side by side. */
const ANSWER_LIMIT = 256 * 1024;

/** How a date, or a depth, cuts a history. */
export interface HistoryCut {
  position: Position;
  /** Where it is `within`: the commits whose parents are all behind it, which lead to all of the older history. */
  commits: string[];
  /**
   * Whether the line can be used on. Over one that is not stateless upload-pack answers all that comes later with the history
   * cut as it was for this question (seen on git 2.39.5).
   */
  open: boolean;
}

/**
 * Asks a mirror where a history is cut. It is a fetch with `deepen-since` or `deepen` (gitprotocol-v2(5), "fetch"):
 * the answer names the ends of the shallow history, and since the one commit that is wanted is also named as `have`, the
 * pack behind it is empty. So 137 bytes tell an id from the middle of a history of which nothing is here. Only the id of
 * the commit is needed, no filter, and no `have` that could mislead.
 *
 * @param tip the youngest commit of the history
 * @throws GamError with `tryElsewhere` when the answer is none to this question; the line is of no use then
 */
export async function cutHistory(
  tip: string,
  where: Cut,
  line: MirrorLine,
  patience: Patience,
): Promise<HistoryCut> {
  const format = formatLines(line.advertisement);
  const cut = 'since' in where ? `deepen-since ${where.since}` : `deepen ${where.depth}`;
  const words = [`want ${tip}`, `have ${tip}`, cut, 'no-progress', 'done'];
  await line.send(writeFetchRequest({ capabilities: ['command=fetch', ...format], arguments: words }));
  const end = line.source.bytes + ANSWER_LIMIT;
  const commits: string[] = [];
  let pack = false;
  for (;;) {
    const packet = await line.source.packet(patience);
    if (line.source.bytes > end) throw elsewhere('mirror-unusable', 'sent more than it was asked for');
    const over = isOver(packet, line);
    // upload-pack dies where no commit is younger (upload-pack.c, "no commits selected for shallow requests").
    const open = line.stateless && packet !== null;
    if (over && !pack) return { position: 'after', commits: [], open };
    if (over) return { position: commits.length > 0 ? 'within' : 'before', commits, open };
    const text = packet === null ? null : packetLine(packet);
    if (text?.startsWith('ERR '))
      throw elsewhere('mirror-unusable', `refused: ${printable(text.slice(4), 80)}`);
    if (text === 'packfile') pack = true;
    const commit = pack ? null : /^shallow ([0-9a-f]{40}|[0-9a-f]{64})$/.exec(text ?? '')?.[1];
    if (commit !== undefined && commit !== null) commits.push(commit);
  }
}

function isOver(packet: Packet | null, { stateless }: MirrorLine): boolean {
  return packet === null || packet.kind === (stateless ? 'response-end' : 'flush');
}
