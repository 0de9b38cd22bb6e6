import type { Settings } from '../config/settings.ts';
import { listRefs } from '../transport/list-refs.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import { Deadline, LowSpeed, within } from '../transport/patience.ts';
import { PREPARATION } from './fetch-from-mirror.ts';

/** More names than this are not asked for one by one, but by their folders. */
const MOST_PREFIXES = 1000;

/** What a mirror's list of refs may weigh: so much, and so much for each name that is asked for. */
const REFS_LIMIT = { base: 16 * 1024 ** 2, each: 1024 };

/**
 * Asks a mirror for the refs of a fetch, as long as it sends at the lowest speed that is allowed.
 * @param names full names of refs, or prefixes of many
 * @returns its object ids by ref name
 * @throws GamError with `tryElsewhere` when the answer does not come in time, or does not end
 */
export async function listMirrorRefs(
  line: MirrorLine,
  names: readonly string[],
  { lowSpeedLimit, lowSpeedTime }: Settings,
): Promise<Map<string, string>> {
  const folders = new Set(names.map((name) => name.split('/', 2).join('/')));
  const prefixes = names.length > MOST_PREFIXES ? [...folders] : names;
  const limit = REFS_LIMIT.base + REFS_LIMIT.each * names.length;
  return within(
    listRefs(line, prefixes, limit, new LowSpeed(lowSpeedLimit, lowSpeedTime)),
    // At the lowest speed that is allowed, the limit would be reached after an hour.
    new Deadline(PREPARATION * lowSpeedTime, 'no list of refs'),
    () => 0,
  );
}
