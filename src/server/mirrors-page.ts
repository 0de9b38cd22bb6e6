import { GamError } from '../errors.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import { writeMirrorListJson } from '../protocol/mirror-list-json.ts';
import { type MirrorListRequest, readMirrorListRequest } from '../protocol/mirror-list-request.ts';
import type { FindHere } from './carried-list.ts';
import type { Exchange } from './exchange.ts';
import type { ToldList } from './lists.ts';
import { askedList, type LookAtClient } from './mirror-list.ts';

/**
 * Answers `GET <repository>/info/mirrors`: the list that the command `mirror-list` would tell, as JSON. The query takes what that takes:
 * `skip=<n>`, `url=<canonical url>`; anything else in it is ignored.
 * @param query without the `?`
 * @param lookAtClient tells who asks
 * @param isForAll whether everybody may see it, with no login
 * @param here finds what this server has itself
 */
export async function answerMirrorsPage(
  exchange: Exchange,
  query: string,
  list: ToldList,
  lookAtClient: LookAtClient,
  isForAll: boolean,
  here: FindHere | null = null,
): Promise<void> {
  const tell = (asked: MirrorListRequest) => askedList(list, asked, lookAtClient, here);
  // A cache in between serves many, and would tell all of them what is near to the first, or how that calls this server.
  await answerByJson(
    exchange,
    query,
    tell,
    (asked) => isForAll && list.settings.policy === 'fixed' && (here === null || asked.url === null),
  );
}

/**
 * Answers a request for a list with JSON.
 * @param isForAll whether the answer is the same for everybody
 */
export async function answerByJson(
  exchange: Exchange,
  query: string,
  tell: (asked: MirrorListRequest) => Promise<MirrorList>,
  isForAll: (asked: MirrorListRequest) => boolean,
): Promise<void> {
  const given = new URLSearchParams(query);
  try {
    const asked = readMirrorListRequest((name) => given.get(name));
    const list = await tell(asked);
    exchange.say(200, writeMirrorListJson(list), {
      'Content-Type': 'application/json',
      'Cache-Control': `${isForAll(asked) ? 'public' : 'private'}, max-age=${list.ttl}`,
    });
  } catch (error) {
    if (!(error instanceof GamError)) throw error;
    exchange.refuse(400, error.message, error.message);
  }
}
