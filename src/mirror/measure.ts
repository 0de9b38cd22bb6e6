/** A mean of observations, and how many of them it stands for; both fade as time goes by. */
interface Mean {
  value: number;
  weight: number;
}

/** What is remembered of one place: a mirror, all that one host serves, or canonical. */
export interface Measure {
  /** When it was last told something; milliseconds since the epoch, like every time here. */
  at: number;
  /** Milliseconds from the start of contact to the greeting. */
  latency: Mean;
  /** Pack bytes, and the milliseconds that they took; their ratio is the rate. */
  rate: { bytes: number; ms: number };
  /** Which share of what git wanted came from here, 0 to 1; a mirror that had nothing new counts with 0. */
  share: Mean;
  /** Transfers that brought something, and those that had nothing to bring. */
  hits: number;
  misses: number;
  /** Bytes that canonical need not send. */
  saved: number;
  /** When it last served, whether or not there was anything to bring; null: never. */
  lastUsed: number | null;
  /** Failures without a success between them, when the last one was, and why. */
  failures: number;
  failedAt: number;
  reason: string | null;
  /** How far behind canonical it was seen last, in commits and in seconds; null where nobody could tell. */
  lag: number | null;
  lagSeconds: number | null;
}

/** One thing that was seen of a place. */
export type Observation =
  | { kind: 'greeting'; ms: number }
  | { kind: 'pack'; bytes: number; ms: number }
  | { kind: 'hit'; share: number; bytes: number }
  | { kind: 'miss' }
  | { kind: 'failure'; reason: string }
  /** It answered all that `gam mirrors check` asked, and stands so far behind. */
  | { kind: 'checked'; lag: number | null; lagSeconds: number | null };

const HOUR = 3_600_000;

/** How busy a line is changes with the time of the day: what was seen half a day ago says half as much. */
const LINE_HALF_LIFE = 12 * HOUR;

/** How often a mirror follows is how its owner has set it up, which few change within a week. */
const HABIT_HALF_LIFE = 7 * 24 * HOUR;

/** Who broke down yesterday is not on its best day, but need not be punished for last month. */
const FAILURE_HALF_LIFE = 24 * HOUR;

/** Shorter packs tell of latency, not of the rate: a few packets arrive together. */
const SMALLEST_SAMPLE = 64 * 1024;

/** The first failure keeps a mirror back so long; each further one twice as long, up to the most. */
const BACK_OFF = { first: 30_000, most: HOUR };

/** Nothing grows beyond; sums of sums stay numbers that JSON can hold. */
export const MOST = 1e15;

/** The longest reason that is kept. */
export const LONGEST_REASON = 160;

const NOTHING: Measure = {
  at: 0,
  latency: { value: 0, weight: 0 },
  rate: { bytes: 0, ms: 0 },
  share: { value: 0, weight: 0 },
  hits: 0,
  misses: 0,
  saved: 0,
  lastUsed: null,
  failures: 0,
  failedAt: 0,
  reason: null,
  lag: null,
  lagSeconds: null,
};

// A clock that was set back makes the past look like the future; nothing has faded then, nor grown.
function left(since: number, now: number, halfLife: number): number {
  return 2 ** (-Math.max(0, now - since) / halfLife);
}

/** A measure as it counts now: everything that fades has faded up to this time. */
export function faded(measure: Measure, now: number): Measure {
  const line = left(measure.at, now, LINE_HALF_LIFE);
  const habit = left(measure.at, now, HABIT_HALF_LIFE);
  return {
    ...measure,
    at: now,
    latency: { ...measure.latency, weight: measure.latency.weight * line },
    rate: { bytes: measure.rate.bytes * line, ms: measure.rate.ms * line },
    share: { ...measure.share, weight: measure.share.weight * habit },
  };
}

function added({ value, weight }: Mean, seen: number): Mean {
  return { value: (value * weight + seen) / (weight + 1), weight: weight + 1 };
}

function amount(number: number): number {
  return Number.isFinite(number) ? Math.min(Math.max(number, 0), MOST) : 0;
}

/** Takes one observation in. @param measure null for a place that nothing is known of */
export function observe(measure: Measure | null, seen: Observation, now: number): Measure {
  const before = faded(measure ?? NOTHING, now);
  const served = { ...before, lastUsed: now, failures: 0, reason: null };
  switch (seen.kind) {
    case 'greeting':
      return { ...before, latency: added(before.latency, amount(seen.ms)) };
    case 'pack': {
      if (!(seen.bytes >= SMALLEST_SAMPLE)) return before;
      const { bytes, ms } = before.rate;
      const rate = {
        bytes: amount(bytes + amount(seen.bytes)),
        ms: amount(ms + Math.max(amount(seen.ms), 1)),
      };
      return { ...before, rate };
    }
    case 'hit': {
      const share = added(before.share, Math.min(amount(seen.share), 1));
      const saved = amount(before.saved + amount(seen.bytes));
      return { ...served, share, saved, hits: amount(before.hits + 1) };
    }
    case 'miss':
      return { ...served, share: added(before.share, 0), misses: amount(before.misses + 1) };
    case 'failure': {
      const again = Math.round(before.failures * left(before.failedAt, now, FAILURE_HALF_LIFE));
      const reason = seen.reason.slice(0, LONGEST_REASON);
      return { ...before, failures: amount(again + 1), failedAt: now, reason };
    }
    case 'checked': {
      const known = (number: number | null) => (number === null ? null : amount(number));
      const lag = { lag: known(seen.lag), lagSeconds: known(seen.lagSeconds) };
      // Level with canonical it has whatever a fetch may want, and what it lacked earlier is past.
      const share = seen.lag === 0 ? added(before.share, 1) : before.share;
      return { ...before, share, failures: 0, reason: null, ...lag };
    }
  }
}

/** Until when a place is better left alone; null when it is not. A failure in the future never counts. */
export function backsOffUntil({ failures, failedAt }: Measure, now: number): number | null {
  if (failures === 0 || failedAt > now) return null;
  const until = failedAt + Math.min(BACK_OFF.first * 2 ** (failures - 1), BACK_OFF.most);
  return until > now ? until : null;
}
