import type { Settings } from '../config/settings.ts';
import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import { Deadline, LowSpeed, within } from '../transport/patience.ts';
import { PREPARATION } from './fetch-from-mirror.ts';

/** More names than this are not asked for one by one, but by their folders. */
const MOST_PREFIXES = 1000;

/** What a mirror's list of refs may weigh: so much, and so much for each name that is asked for. */
const REFS_LIMIT = { base: 16 * 1024 ** 2, each: 1024 };

/**
 * Asks a mirror where refs stand with it (gitprotocol-v2(5), "ls-refs").
 * @param names full names of refs, or prefixes of many
 * @param format the hash of the object ids
 * @returns its object ids by ref name
 * @throws GamError with `tryElsewhere` when the answer does not come in time, or does not end
 */
export async function listMirrorRefs(
  line: MirrorLine,
  names: readonly string[],
  format: string,
  settings: Settings,
): Promise<Map<string, string>> {
  const folders = new Set(names.map((name) => name.split('/', 2).join('/')));
  const prefixes = names.length > MOST_PREFIXES ? [...folders] : names;
  await line.send([
    linePacket('command=ls-refs'),
    ...(line.advertisement.capabilities.has('object-format') ? [linePacket(`object-format=${format}`)] : []),
    DELIM,
    ...prefixes.map((prefix) => linePacket(`ref-prefix ${prefix}`)),
    FLUSH,
  ]);
  const { lowSpeedLimit, lowSpeedTime } = settings;
  const limit = REFS_LIMIT.base + REFS_LIMIT.each * names.length;
  const lines = await within(
    line.source.lines(new LowSpeed(lowSpeedLimit, lowSpeedTime), limit),
    // At the lowest speed that is allowed, the limit would be reached after an hour.
    new Deadline(PREPARATION * lowSpeedTime, 'no list of refs'),
    () => 0,
  );
  const refs = lines.map(parseRefLine).filter((ref) => ref !== null);
  // The answer ends with a response-end packet on a stateless line; the next read must not meet it.
  if (line.stateless) await line.source.packet(new LowSpeed(lowSpeedLimit, lowSpeedTime));
  return new Map(refs.flatMap(({ name, oid }) => (oid === null ? [] : [[name, oid] as const])));
}
