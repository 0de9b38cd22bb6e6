import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { isOnDemand } from '../git/on-demand.ts';
import { hasRefs } from '../git/refs.ts';
import { findRepository, type Repository } from '../git/repository.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { type HelperContext, stageTools } from './context.ts';
import { lazyCandidates, serversAmong } from './route.ts';
import { RouteAhead } from './route-ahead.ts';

/**
 * Has the mirror of a lazy fetch greet before git has said what it wants, which it does in a moment, or while canonical
 * greets.
 * @returns null for any other fetch, and where there is no mirror for it
 */
export function beginLazyRoute(context: HelperContext): RouteAhead | null {
  const { addresses, process: own, entries, mirrors } = context;
  // Whatever git asks so is new enough for mirrors.
  if (mirrors.length === 0 || !isOnDemand(own.env)) return null;
  const [mirror] = lazyCandidates(mirrors, { entries, env: own.env, addresses });
  return begin(context, mirror, findRepository(own.env, own.cwd));
}

/**
 * Has the first mirror greet while canonical does, where git has said that it will cut the history short, or leave blobs
 * out, of a repository that has no ref yet: what it then asks for goes to a mirror (`routable.ts`), and in any other
 * repository mostly to canonical.
 */
export async function beginCutRoute(context: HelperContext): Promise<RouteAhead | null> {
  const { process: own, entries, mirrors, cuts, cutsOtherwise } = context;
  if (mirrors.length === 0 || !cuts || cutsOtherwise) return null;
  const place = await context.place().catch(() => null);
  if (!place?.fit || (await hasRefs(place.repository.gitDir, own))) return null;
  const [first] = serversAmong(mirrors, { entries });
  return begin(context, first, place.repository);
}

function begin(
  context: HelperContext,
  mirror: Mirror | undefined,
  repository: Repository | null,
): RouteAhead | null {
  if (mirror === undefined || mirror.refusal !== null || repository === null) return null;
  const ahead = new RouteAhead(mirror, formatOf(context.entries));
  ahead.begin(repository, stageTools(context));
  return ahead;
}

/** The hash of the repository's object ids. */
export function formatOf(entries: readonly ConfigEntry[]): string {
  return lastValue(entries, 'extensions', null, 'objectformat') ?? 'sha1';
}
