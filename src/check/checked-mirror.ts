import { GamError } from '../errors.ts';
import type { Lag } from '../git/lag.ts';
import type { Observation } from '../mirror/measure.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { printable } from '../protocol/text.ts';
import type { Probe } from '../transport/probe.ts';

/** One element of `gam mirrors check --json`. What cannot be told is null. */
export interface CheckedMirror {
  url: string;
  site: string;
  canonical: string;
  source: Mirror['source'];
  preferred: boolean;
  /** `ready`: a fetch could use it. `failed`, `refused`: `reason` says why not. */
  state: 'ready' | 'failed' | 'refused';
  reason: string | null;
  latencyMs: number | null;
  /** Null as well when the repository is too small to tell. */
  bytesPerSecond: number | null;
  /** Commits behind canonical, and the time between the newest commits. */
  lag: number | null;
  lagSeconds: number | null;
  /** For how long the mirror could not ask canonical whether it is up to date, in seconds, as it says itself. */
  staleSeconds: number | null;
}

/** What a look at a mirror comes to. */
export type Outcome = Pick<
  CheckedMirror,
  'state' | 'reason' | 'latencyMs' | 'bytesPerSecond' | 'lag' | 'lagSeconds' | 'staleSeconds'
>;

/** Shorter packs tell nothing of the rate. */
const SMALLEST_SAMPLE = 64 * 1024;

function rounded(number: number): number {
  return Math.round(number * 10) / 10;
}

/** The outcome of a probe. */
export function ready({ latency, sample, stale }: Probe, lag: Lag): Outcome {
  const tells = sample.bytes >= SMALLEST_SAMPLE;
  return {
    state: 'ready',
    reason: null,
    latencyMs: rounded(latency),
    bytesPerSecond: tells ? Math.round((sample.bytes / Math.max(sample.ms, 1)) * 1000) : null,
    lag: lag.commits,
    lagSeconds: lag.seconds,
    staleSeconds: stale,
  };
}

/** The outcome for a mirror that cannot be used. */
export function failed(error: unknown): Outcome {
  const barred = error instanceof GamError && error.code === 'mirror-barred';
  return {
    state: barred ? 'refused' : 'failed',
    reason: printable(error instanceof Error ? error.message : String(error)),
    latencyMs: null,
    bytesPerSecond: null,
    lag: null,
    lagSeconds: null,
    staleSeconds: null,
  };
}

/** What is to be remembered of a probe that came out, or did not. */
export function seenOf(outcome: Outcome, probed: Probe | null): Observation[] {
  if (outcome.state === 'refused') return [];
  if (probed === null) return [{ kind: 'failure', reason: outcome.reason ?? '' }];
  const { lag, lagSeconds } = outcome;
  return [
    { kind: 'pack', ...probed.sample },
    { kind: 'checked', lag, lagSeconds },
  ];
}
