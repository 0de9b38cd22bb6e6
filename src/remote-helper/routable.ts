import type { Advertisement } from '../protocol/advertisement.ts';
import { argumentValues, type FetchRequest, hasArgument } from '../protocol/fetch-request.ts';
import type { AdvertisedRef } from '../protocol/ls-refs.ts';

/** Arguments that may stand in a routed request; any other belongs to canonical. */
const ROUTED = new Set([
  'want',
  'done',
  'deepen',
  'shallow',
  'filter',
  'thin-pack',
  'no-progress',
  'include-tag',
  'ofs-delta',
]);

/**
 * The filter of which can be told, from what has come alone, that nothing lacks but what it leaves out. For
 * `blob:limit` the blobs that are missing would have to be here to be measured, and behind the trees that
 * `tree:<depth>` leaves out anything may lie.
 */
export const FILTER = 'blob:none';

/**
 * Whether a request is to be sent on to a mirror as it is: one that cuts history or leaves objects out, and
 * that git will not negotiate about (it has nothing, or fetches single objects on demand). `deepen-since` and
 * `deepen-not` cannot be checked without the history behind the cut, and a repository that is shallow already
 * would have to be asked about what it has.
 */
export function isRoutable(request: FetchRequest): boolean {
  const filters = argumentValues(request, 'filter');
  return (
    request.arguments.includes('done') &&
    hasArgument(request, 'deepen', 'filter') &&
    !(hasArgument(request, 'deepen') && hasArgument(request, 'shallow')) &&
    request.arguments.every((a) => ROUTED.has(a.split(' ', 1)[0] ?? '')) &&
    filters.every((filter) => filter === FILTER) &&
    !request.capabilities.some((c) => c.startsWith('server-option='))
  );
}

/**
 * Whether git fetches objects that a partial clone turned out to need: by their ids, so that it did not even
 * ask where refs stand (promisor-remote.c). There may be hundreds of such fetches in one command.
 */
export function isLazy(request: FetchRequest, refs: readonly AdvertisedRef[]): boolean {
  return (
    refs.length === 0 && hasArgument(request, 'filter') && !hasArgument(request, 'deepen', 'include-tag')
  );
}

/** What a request needs of a server that this one does not offer (gitprotocol-v2(5), "fetch"); null for nothing. */
export function lackingFeature(request: FetchRequest, advertisement: Advertisement): string | null {
  const features = (advertisement.capabilities.get('fetch') ?? '').split(' ');
  if (hasArgument(request, 'deepen', 'shallow') && !features.includes('shallow')) return 'shallow clones';
  if (hasArgument(request, 'filter') && !features.includes('filter')) return 'filters';
  return null;
}

/**
 * The request for a mirror: only capabilities that it knows, and a pack that needs nothing of what is here, since
 * it goes into a place of its own.
 */
export function routedRequest(request: FetchRequest, advertisement: Advertisement): FetchRequest {
  const known = (line: string) =>
    line.startsWith('command=') ||
    (/^(?:agent|object-format)=/.test(line) &&
      advertisement.capabilities.has(line.slice(0, line.indexOf('='))));
  return {
    capabilities: request.capabilities.filter(known),
    arguments: request.arguments.filter((a) => a !== 'thin-pack'),
  };
}

/** The request for the stand-in, which has nothing to tell the user. */
export function standInRequest({ capabilities, arguments: args }: FetchRequest): FetchRequest {
  const quiet = args.filter((a) => a !== 'thin-pack' && a !== 'no-progress');
  return {
    capabilities: capabilities.filter((line) => /^(?:command|agent|object-format)=/.test(line)),
    arguments: ['no-progress', ...quiet],
  };
}
