import type { ListedMirror, ListPolicy } from '../config/mirror-list.ts';
import { digest } from '../protocol/digest.ts';
import type { Location } from '../protocol/location.ts';
import { LAST_PRIORITY, USUAL_PRIORITY } from '../protocol/mirror-list.ts';
import { distanceBetween } from './distance.ts';

/** Who asks for a list, as far as the order depends on it. */
export interface ListClient {
  /** Its address as the line shows it; null where there is none, as through a pipe on the same machine. */
  address: string | null;
  /** null where it is not known. */
  location: Location | null;
}

const DAY_MS = 24 * 3600 * 1000;

/**
 * How late a mirror comes in a client's draw of this day, by weighted rendezvous hashing (Schindelhauer and Schomaker,
 * "Weighted Distributed Hash Tables", SPAA 2005): each mirror draws a number of its own, -ln(u) / weight, and the
 * smallest comes first, so that the first place falls to each in proportion to its weight.
 *
 * A real draw would be another one for each question, and a client that asks for the rest of a list by `skip` would get some
 * mirrors twice and others never. So u is a hash of the client, the day and the mirror. It is another one tomorrow, so that no
 * client is stuck with what it drew; and a mirror that is added or taken away leaves the order of the others as it was.
 */
function drawn({ id, weight }: ListedMirror, client: string, day: number): number {
  const hash = digest('sha256', `${client}\0${day}\0${id}`);
  const u = (hash.readUIntBE(0, 6) + 0.5) / 2 ** 48;
  return -Math.log(u) / weight;
}

function lateness(policy: ListPolicy, client: ListClient, now: number): (mirror: ListedMirror) => number {
  const { address, location } = client;
  const day = Math.floor(now / DAY_MS);
  if (policy === 'random') return (mirror) => drawn(mirror, address ?? '', day);
  if (policy === 'fixed' || location === null) return () => 0;
  return (mirror) =>
    mirror.location === null ? Number.POSITIVE_INFINITY : distanceBetween(location, mirror.location);
}

/** The priority under which a client is told of a mirror. One that is deprecated is for those to whom no other is of use. */
export function toldPriority({ priority, state }: ListedMirror): number | null {
  return state === 'deprecated' ? LAST_PRIORITY : priority;
}

/**
 * The mirrors in the order in which a client is told of them: by priority, then as the policy says, then as they are
 * configured; those that are deprecated behind all others, those that refuse not at all. The same client gets the same order
 * for a day (UTC).
 * @param now milliseconds since the epoch
 */
export function orderListed(
  mirrors: readonly ListedMirror[],
  policy: ListPolicy,
  client: ListClient,
  now: number,
): ListedMirror[] {
  const late = lateness(policy, client, now);
  const told = mirrors.filter(({ state }) => state !== 'refusing');
  const keyed = told.map((mirror) => ({
    mirror,
    deprecated: Number(mirror.state === 'deprecated'),
    priority: toldPriority(mirror) ?? USUAL_PRIORITY,
    late: late(mirror),
  }));
  // Two of weight 0, or without a location, are equally late; infinity less infinity is no number.
  const compare = (a: number, b: number) => (a === b ? 0 : a - b);
  keyed.sort(
    (a, b) => a.deprecated - b.deprecated || compare(a.priority, b.priority) || compare(a.late, b.late),
  );
  return keyed.map(({ mirror }) => mirror);
}
