import { isOnDemand } from '../git/on-demand.ts';
import { type Advertisement, objectFormat } from '../protocol/advertisement.ts';
import { type FetchRequest, hasArgument } from '../protocol/fetch-request.ts';
import { forgetGreeting, recallGreeting, rememberGreeting } from '../state/greetings.ts';
import { formatOf } from './begin-route.ts';
import type { HelperContext } from './context.ts';

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
