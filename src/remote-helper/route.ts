import { backsOffUntil } from '../mirror/measure.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { fastestRival, lineUp } from '../mirror/outpaced.ts';
import { argumentValues, type FetchRequest, requestedFormat } from '../protocol/fetch-request.ts';
import { recallAt } from '../state/addresses.ts';
import type { MirrorContact } from '../transport/mirror-line.ts';
import { isBundleMirror } from './bundle-mirror.ts';
import { Outpaced } from './outpaced.ts';
import { passingOver } from './passing-over.ts';
import { isLazy } from './routable.ts';
import type { RouteAhead } from './route-ahead.ts';
import { type Routed, type RouteOrder, routeTo, type Truth } from './route-to-mirror.ts';
import type { StageTools } from './stage-order.ts';

type Asking = Pick<MirrorContact, 'entries' | 'env' | 'addresses'>;

/**
 * Sends a request that is not for staging on to the mirrors, in their order, until one has sent all that it asks
 * for. What comes goes into a quarantine, and git gets its answer from there, by its own upload-pack: so nothing
 * of a mirror's words, and no object beyond those that canonical's ids lead to, reaches git.
 *
 * @param ahead what has been prepared, perhaps, for the first mirror that is tried
 * @returns null when canonical is to be asked: no mirror was of use, or canonical has not what git asked for by its id
 * @throws only when interrupted
 */
export async function routeRequest(
  request: FetchRequest,
  { refs, has }: Truth,
  mirrors: readonly Mirror[],
  ahead: RouteAhead | null,
  tools: StageTools,
): Promise<Routed | null> {
  const { contact, report, departures } = tools;
  const place = await tools.place().catch(() => null);
  contact.signal.throwIfAborted();
  if (!place?.fit) return null;
  const { repository } = place;
  const format = requestedFormat(request);
  const lazy = isLazy(request, refs);
  const named = new Set(refs.flatMap(({ oid, peeled }) => [oid, peeled]));
  const unnamed = argumentValues(request, 'want').filter((oid) => !named.has(oid));
  // While the mirror works. A lazy fetch is for what canonical has promised.
  const confirmed = lazy || unnamed.length === 0 ? Promise.resolve(true) : has(unnamed).catch(() => false);
  const order: RouteOrder = { request, refs, repository, format, lazy, confirmed, has };
  let left = lazy ? lazyCandidates(mirrors, contact) : serversAmong(mirrors, contact);
  for (let mirror = left.shift(); mirror !== undefined; mirror = left.shift()) {
    const rival = departures.has(mirror) ? null : fastestRival(left, departures);
    try {
      return await tools.hand.hold(mirror, tools, (own) => routeTo({ mirror, rival }, order, ahead, own));
    } catch (error) {
      contact.signal.throwIfAborted();
      report.line(passingOver(mirror, error, tools));
      if (!(error instanceof Outpaced)) continue;
      departures.set(mirror, error.rival);
      left = lineUp([...left, mirror], departures);
    }
  }
  // Canonical hangs up on a question that it refuses, and the request would be lost behind it.
  await confirmed;
  return null;
}

/** Mirrors that answer requests, which bundles do not. */
export function serversAmong(mirrors: readonly Mirror[], { entries }: Pick<Asking, 'entries'>): Mirror[] {
  return mirrors.filter((mirror) => !isBundleMirror(mirror, entries));
}

/**
 * The mirror that a lazy fetch tries, if any. It is one: git waits for a few objects only, and canonical has them, too. It
 * does not back off, also where there is no other: a command such as `git log -p` in a partial clone starts hundreds of
 * them, each with a helper of its own, and a dead mirror would cost each a time-out, and each would complain.
 */
export function lazyCandidates(mirrors: readonly Mirror[], asking: Asking): Mirror[] {
  const known = recallAt(asking.addresses, asking.env);
  const now = Date.now();
  const backsOff = (mirror: Mirror) => {
    const { own, lacksUntil } = known(mirror);
    return Boolean(lacksUntil) || (own !== null && backsOffUntil(own, now) !== null);
  };
  const fit = serversAmong(mirrors, asking).filter((mirror) => mirror.refusal === null && !backsOff(mirror));
  return fit.slice(0, 1);
}
