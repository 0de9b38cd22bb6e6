/** A mirror that runs and has not answered. */
export interface Run {
  /** When it started, in milliseconds of any clock. */
  started: number;
  preferred: boolean;
}

/** How a race is paced; times in milliseconds. */
export interface Pace {
  raceWidth: number;
  raceDelay: number;
  connectTimeout: number;
}

/** A mirror that is silent for this share of gam.connectTimeout holds nobody up any longer. */
const SILENCE = 1 / 4;

/**
 * When the next mirror of a race may start, by the clock of `runs`: `gam.raceDelay` after the last one, when fewer
 * than `gam.raceWidth` run, and a preferred one runs alone. One that has been silent for a quarter of
 * `gam.connectTimeout` does not count, so that dead mirrors do not use up the time of a living one.
 *
 * @param runs those that run and have not answered
 * @returns `-Infinity` for at once
 */
export function nextStart(runs: readonly Run[], { raceWidth, raceDelay, connectTimeout }: Pace): number {
  const silence = connectTimeout * SILENCE;
  const last = Math.max(...runs.map(({ started }) => started));
  const ends = runs.map(({ started }) => started + silence).sort((a, b) => a - b);
  const alone = Math.max(
    ...runs.filter(({ preferred }) => preferred).map(({ started }) => started + silence),
  );
  // So many must have fallen silent that another one fits in.
  const fits = ends[ends.length - raceWidth] ?? Number.NEGATIVE_INFINITY;
  const apart = Math.min(last + raceDelay, last + silence);
  return Math.max(alone, fits, apart);
}
