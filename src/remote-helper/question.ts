import type { FetchRequest } from '../protocol/fetch-request.ts';

/**
 * A request that asks whether a server would send these objects, and never brings a pack. Wants are looked at before
 * haves, and while git negotiates nothing is sent until one of the haves is known (gitprotocol-v2(5), "fetch"):
 * so a `have` that nobody has brings an error, or word that nothing is common.
 */
export function question({ capabilities }: FetchRequest, oids: readonly string[]): FetchRequest {
  const nobodys = '1'.repeat(oids[0]?.length ?? 0);
  return { capabilities, arguments: [...oids.map((oid) => `want ${oid}`), `have ${nobodys}`] };
}
