import { GamError } from '../errors.ts';
import { offeredList } from '../mirror/offered-list.ts';
import { writeMirrorListJson } from '../protocol/mirror-list-json.ts';
import { readMirrorListRequest } from '../protocol/mirror-list-request.ts';
import type { Exchange } from './exchange.ts';
import type { ToldList } from './lists.ts';
import type { LookAtClient } from './mirror-list.ts';

/**
 * Answers `GET <repository>/info/mirrors`: the list that the command `mirror-list` would tell, as JSON. The query takes what that takes:
 * `skip=<n>`, `url=<canonical url>`; anything else in it is ignored.
 * @param query without the `?`
 * @param lookAtClient tells who asks
 * @param isForAll whether everybody may see it, with no login
 */
export async function answerMirrorsPage(
  exchange: Exchange,
  query: string,
  { settings, entries, stale = null }: ToldList,
  lookAtClient: LookAtClient,
  isForAll: boolean,
): Promise<void> {
  const given = new URLSearchParams(query);
  try {
    const asked = readMirrorListRequest((name) => given.get(name));
    const list = offeredList(settings, entries, asked, await lookAtClient(settings), Date.now(), stale);
    // A cache in between serves many, and would tell all of them what is near to the first.
    const whose = isForAll && settings.policy === 'fixed' ? 'public' : 'private';
    exchange.say(200, writeMirrorListJson(list), {
      'Content-Type': 'application/json',
      'Cache-Control': `${whose}, max-age=${settings.ttl}`,
    });
  } catch (error) {
    if (!(error instanceof GamError)) throw error;
    exchange.refuse(400, error.message, error.message);
  }
}
