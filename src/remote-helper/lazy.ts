import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { isOnDemand } from '../git/on-demand.ts';
import { findRepository } from '../git/repository.ts';
import { type Advertisement, objectFormat } from '../protocol/advertisement.ts';
import { type FetchRequest, hasArgument } from '../protocol/fetch-request.ts';
import { forgetGreeting, recallGreeting, rememberGreeting } from '../state/greetings.ts';
import { type HelperContext, stageTools } from './context.ts';
import { lazyCandidates } from './route.ts';
import { RouteAhead } from './route-ahead.ts';

/**
 * Has the mirror of a lazy fetch greet before git has said what it wants, which it does in a moment, or while canonical
 * greets.
 * @returns null for any other fetch, and where there is no mirror for it
 */
export function routeAhead(context: HelperContext): RouteAhead | null {
  const {
    process: { env, cwd },
    entries,
    mirrors,
  } = context;
  if (mirrors.length === 0 || !isOnDemand(env)) return null;
  const [mirror] = lazyCandidates(mirrors, { entries, env });
  const repository = findRepository(env, cwd);
  if (mirror === undefined || repository === null) return null;
  const ahead = new RouteAhead(mirror, formatOf(entries));
  ahead.begin(repository, stageTools(context));
  return ahead;
}

/** The hash of the repository's object ids. */
function formatOf(entries: readonly ConfigEntry[]): string {
  return lastValue(entries, 'extensions', null, 'objectformat') ?? 'sha1';
}

/**
 * How canonical greeted lately, where that is enough for git to go on with: in a lazy fetch for which there is a mirror. git
 * learns nothing from a greeting then but how to word its one request, and canonical is contacted only when the
 * mirror is of no use.
 *
 * @returns null where canonical is to be asked at once
 */
export function greetingFor({
  process: { env },
  canonicalUrl,
  entries,
  mirrors,
  cuts,
  ahead,
}: HelperContext): Advertisement | null {
  if (!cuts || mirrors.length === 0 || !isOnDemand(env)) return null;
  if (ahead === null) {
    // The launcher goes by it.
    forgetGreeting(canonicalUrl, env);
    return null;
  }
  const greeting = recallGreeting(canonicalUrl, env);
  return greeting !== null && objectFormat(greeting) === formatOf(entries) ? greeting : null;
}

/**
 * Remembers how canonical has greeted, for the lazy fetches to come, where a mirror has served a request of their kind; and
 * forgets it where none has. Other fetches have nothing to do with it.
 *
 * @param served whether the answer came from a mirror
 */
export async function rememberForLazy(
  { process: { env }, canonicalUrl, canonical, deferred }: HelperContext,
  request: FetchRequest,
  served: boolean,
  greeting: Advertisement | null,
): Promise<void> {
  if (canonical.kind !== 'web' || !hasArgument(request, 'filter')) return;
  if (!served) forgetGreeting(canonicalUrl, env);
  else if (!deferred && greeting !== null) await rememberGreeting(canonicalUrl, greeting, env);
}
