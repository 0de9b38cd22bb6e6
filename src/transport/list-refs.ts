import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { formatLines } from '../protocol/advertisement.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';
import type { MirrorLine } from './mirror-line.ts';
import type { Patience } from './patience.ts';

/**
 * Asks a mirror where refs stand with it (gitprotocol-v2(5), "ls-refs").
 *
 * @param prefixes what the names of refs begin with
 * @param limit the most bytes that the answer may take
 * @returns object ids by ref name
 * @throws GamError with `tryElsewhere` when the answer does not come in time, or does not end
 */
export async function listRefs(
  line: MirrorLine,
  prefixes: readonly string[],
  limit: number,
  patience: Patience,
): Promise<Map<string, string>> {
  const { advertisement, source } = line;
  const format = formatLines(advertisement).map(linePacket);
  const wanted = prefixes.map((prefix) => linePacket(`ref-prefix ${prefix}`));
  await line.send([linePacket('command=ls-refs'), ...format, DELIM, ...wanted, FLUSH]);
  const lines = await source.lines(patience, limit);
  // The answer ends with a response-end packet on a stateless line; the next read must not meet it.
  if (line.stateless) await source.packet(patience);
  const refs = lines.map(parseRefLine).filter((ref) => ref !== null);
  return new Map(refs.flatMap(({ name, oid }) => (oid === null ? [] : [[name, oid] as const])));
}
