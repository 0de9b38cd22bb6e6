import type { Location } from '../protocol/location.ts';
import { USUAL_PRIORITY } from '../protocol/mirror-list.ts';
import { latencyOver } from './distance.ts';
import { backsOffUntil, faded, type Measure } from './measure.ts';
import type { Mirror } from './mirror.ts';

/** What is remembered of a mirror. */
export interface Known {
  /** Of the very URL. */
  own: Measure | null;
  /** Of everything that its host serves here: latency and rate of a repository that was never fetched yet. */
  line: Measure | null;
  /** Where its host is; null where that is not known. */
  location: Location | null;
  /** How many kilometres it is from this machine; null where either place is not known. */
  distance: number | null;
  /** Until when it counts that it does not carry canonical, in milliseconds since 1970; null or nothing where it may. */
  lacksUntil?: number | null;
}

/** A mirror at its place in the order in which mirrors are tried. */
export interface RankedMirror {
  mirror: Mirror;
  known: Known;
  /** Milliseconds that a transfer of usual size would take. */
  expected: number;
  /** Until when it goes last, since it failed; null when it does not. */
  backsOff: number | null;
}

/** What is taken for the usual transfer: between a fetch of a day's work and a clone. */
const USUAL = { roundTrips: 3, bytes: 4 * 1024 ** 2 };

/**
 * What is assumed of a mirror that nothing is known of, and how much it weighs against what was seen. It is
 * hopeful: a mirror that turned out worse goes behind those that were never tried.
 */
const ASSUMED = { latency: 100, weight: 0.05, bytes: 64 * 1024, ms: 62.5 };

/**
 * So many transfers count what is assumed of the share, which differs from fetch to fetch: a mirror that follows every
 * ten minutes has nothing new for the first fetch after a push, and is no worse for it.
 */
const SHARE_WEIGHT = 2;

/** A mirror so many commits behind is expected to have half of what is wanted. */
const HALF_LAG = 100;

/** Observations that have faded to less than this count for nothing: the mirror is tried anew some time. */
export const FORGOTTEN = 0.1;

/** A mirror that is expected to have less than this share of what is wanted is none to turn to for its rate. */
const USEFUL = 1 / 2;

/** How often one that was not measured goes before those that were. */
const EXPLORE = 0.1;

function isMeasured(known: Known, now: number): boolean {
  return knownLatency(known, now) !== null;
}

/** Where the line's measure is the better known one, it counts: a new repository on a host that is known. */
function better(known: Known, now: number, weight: (measure: Measure) => number): Measure | null {
  const [own, line] = [known.own, known.line].map((measure) => measure && faded(measure, now));
  if (!own || !line) return own ?? line ?? null;
  return weight(own) >= FORGOTTEN ? own : line;
}

const mixed = (value: number, weight: number, assumed: number, by = ASSUMED.weight) =>
  (value * weight + assumed * by) / (weight + by);

/** Bytes a millisecond, what is assumed being mixed in. */
function expectedPace(rate: Measure['rate']): number {
  return (rate.bytes + ASSUMED.bytes) / (rate.ms + ASSUMED.ms);
}

function expectedShare({ own }: Known, now: number): number {
  const share = own ? faded(own, now).share : { value: 0, weight: 0 };
  const guess = 1 / (1 + (own?.lag ?? 0) / HALF_LAG);
  return mixed(share.value, share.weight, guess, SHARE_WEIGHT);
}

/** Milliseconds to the greeting; null where nothing is known of that, or nothing lately. */
export function knownLatency(known: Known, now: number): number | null {
  const latency = better(known, now, (measure) => measure.latency.weight)?.latency;
  return latency !== undefined && latency.weight >= FORGOTTEN ? latency.value : null;
}

// Where something was measured, the distance tells nothing more: the mirror may be a network of servers, and another
// one than its address stands for answers here.
function assumedLatency(known: Known, now: number): number {
  return known.distance === null || isMeasured(known, now) ? ASSUMED.latency : latencyOver(known.distance);
}

/** Milliseconds that a transfer of usual size would take from a mirror of which this is known. */
export function expectedMs(known: Known, now: number): number {
  const latency = better(known, now, (measure) => measure.latency.weight)?.latency ?? { value: 0, weight: 0 };
  const rate = better(known, now, (measure) => measure.rate.ms)?.rate ?? { bytes: 0, ms: 0 };
  const trips = USUAL.roundTrips * mixed(latency.value, latency.weight, assumedLatency(known, now));
  return trips + USUAL.bytes / (expectedPace(rate) * expectedShare(known, now));
}

/**
 * Bytes a second that a mirror is known to send: of what was seen and what is expected, the lower. So neither a few
 * packets that arrived together nor an assumption makes it fast.
 * @returns null where that is not known, or no more, or where the mirror mostly lacks what is wanted
 */
export function knownRate(known: Known, now: number): number | null {
  const rate = better(known, now, (measure) => measure.rate.ms)?.rate ?? { bytes: 0, ms: 0 };
  if (rate.ms === 0 || !isMeasured(known, now) || expectedShare(known, now) < USEFUL) return null;
  return 1000 * Math.min(rate.bytes / rate.ms, expectedPace(rate));
}

function byExpectation(a: RankedMirror, b: RankedMirror): number {
  const last = Number(a.backsOff !== null) - Number(b.backsOff !== null);
  return last || (a.backsOff ?? 0) - (b.backsOff ?? 0) || a.expected - b.expected;
}

// What was measured counts, and what a server only says of its mirrors decides among those that were not: at the places
// that these have anyway, so that no list puts its mirrors before the user's.
function byPriority(all: readonly RankedMirror[], now: number): RankedMirror[] {
  const isListed = ({ mirror, known, backsOff }: RankedMirror) =>
    mirror.priority !== undefined && backsOff === null && !isMeasured(known, now);
  const listed = all.filter(isListed);
  const sorted = listed.toSorted(
    (a, b) => (a.mirror.priority ?? USUAL_PRIORITY) - (b.mirror.priority ?? USUAL_PRIORITY),
  );
  return all.map((one) => sorted[listed.indexOf(one)] ?? one);
}

/**
 * The order in which mirrors are tried: the preferred one, then by the time that a transfer is expected to
 * take, which for those never measured depends on how far they are, then those that have failed and back off. Those of a
 * list that were never measured stand among themselves as its priorities say. Now and then one that was not measured goes before those
 * that were, lest a faster one stay unknown. Equals stay in the order of the configuration.
 *
 * @param known what is remembered of a mirror
 * @param chance a random number from 0 up to 1, which decides whether and which; null: none is tried out
 */
export function rankMirrors(
  mirrors: readonly Mirror[],
  known: (mirror: Mirror) => Known,
  now: number,
  chance: number | null,
): RankedMirror[] {
  const only = mirrors.filter(({ refusal }) => refusal === null).length <= 1;
  const all = mirrors.map((mirror): RankedMirror => {
    const remembered = known(mirror);
    const held =
      mirror.preferred || only || remembered.own === null ? null : backsOffUntil(remembered.own, now);
    return { mirror, known: remembered, expected: expectedMs(remembered, now), backsOff: held };
  });
  const preferred = all.filter(({ mirror }) => mirror.preferred);
  const others = byPriority(all.filter(({ mirror }) => !mirror.preferred).sort(byExpectation), now);
  if (chance === null || chance >= EXPLORE || !others[0] || !isMeasured(others[0].known, now))
    return [...preferred, ...others];
  const strangers = others.filter(
    ({ mirror, known: of, backsOff }) => mirror.refusal === null && backsOff === null && !isMeasured(of, now),
  );
  const chosen = strangers[Math.floor((chance / EXPLORE) * strangers.length)];
  if (chosen === undefined) return [...preferred, ...others];
  return [...preferred, chosen, ...others.filter((one) => one !== chosen)];
}
