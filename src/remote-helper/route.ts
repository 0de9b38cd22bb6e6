import { findRepository } from '../git/repository.ts';
import { gitVersion, isAtLeast, OLDEST_GIT, STATELESS_GIT } from '../git/version.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { argumentValues, type FetchRequest } from '../protocol/fetch-request.ts';
import { isBundleMirror } from './bundle-mirror.ts';
import { passingOver } from './passing-over.ts';
import { pausedSites, pauseSite } from './pauses.ts';
import { isLazy } from './routable.ts';
import { type Routed, type RouteOrder, routeTo, type Truth } from './route-to-mirror.ts';
import type { StageTools } from './stage-order.ts';

/**
 * Sends a request that is not for staging on to the mirrors, in their order, until one has sent all that it asks
 * for. What comes goes into a quarantine, and git gets its answer from there, by its own upload-pack: so nothing
 * of a mirror's words, and no object beyond those that canonical's ids lead to, reaches git.
 *
 * @returns null when canonical is to be asked: no mirror was of use, or canonical has not what git asked for by its id
 * @throws only when interrupted
 */
export async function routeRequest(
  request: FetchRequest,
  { refs, has }: Truth,
  mirrors: readonly Mirror[],
  cwd: string,
  tools: StageTools,
): Promise<Routed | null> {
  const { contact, report } = tools;
  const [repository, version] = await Promise.all([
    findRepository(contact.env, cwd).catch(() => null),
    gitVersion({ env: contact.env, cwd }).catch(() => OLDEST_GIT),
  ]);
  contact.signal.throwIfAborted();
  if (repository === null || !isAtLeast(version, STATELESS_GIT)) return null;
  const format = request.capabilities.find((c) => c.startsWith('object-format='))?.split('=')[1] ?? 'sha1';
  const lazy = isLazy(request, refs);
  const named = new Set(refs.flatMap(({ oid, peeled }) => [oid, peeled]));
  const unnamed = argumentValues(request, 'want').filter((oid) => !named.has(oid));
  // While the mirror works. A lazy fetch is for what canonical has promised.
  const confirmed = lazy || unnamed.length === 0 ? Promise.resolve(true) : has(unnamed).catch(() => false);
  const order: RouteOrder = { request, refs, repository, format, lazy, confirmed, has };
  // A bundle answers no requests.
  const servers = mirrors.filter((mirror) => !isBundleMirror(mirror, contact.entries));
  for (const mirror of await candidates(servers, order)) {
    try {
      return await routeTo(mirror, order, tools);
    } catch (error) {
      contact.signal.throwIfAborted();
      report.line(passingOver(mirror, error, tools));
      if (lazy) await pauseSite(repository.objects, mirror.site, Date.now());
    }
  }
  // Canonical hangs up on a question that it refuses, and the request would be lost behind it.
  await confirmed;
  return null;
}

// A lazy fetch tries one mirror, the first that has not failed lately: git waits for a few objects only, and
// canonical has them, too.
async function candidates(mirrors: readonly Mirror[], { lazy, repository }: RouteOrder): Promise<Mirror[]> {
  if (!lazy) return [...mirrors];
  const paused = await pausedSites(repository.objects, Date.now());
  return mirrors.filter(({ site, refusal }) => refusal === null && !paused.has(site)).slice(0, 1);
}
