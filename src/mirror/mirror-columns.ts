import { formatAge, formatBytes } from './account.ts';
import { formatDistance } from './distance.ts';
import type { ListedMirror } from './listing.ts';

/** A column of a table, one cell a row; null where nothing is known. */
export interface Column {
  header: string;
  /** Where not all fit a terminal, those that are worth least go first; the last column stays. */
  worth: number;
  cells: (string | null)[];
}

/** What `gam mirrors list` and `gam mirrors check` both show of a mirror. */
type Measured = Pick<
  ListedMirror,
  'url' | 'preferred' | 'latencyMs' | 'bytesPerSecond' | 'lag' | 'lagSeconds'
> & {
  state: string;
};

function formatLag({ lag, lagSeconds }: Measured): string | null {
  const time = lagSeconds === null || lagSeconds === 0 ? null : formatAge(lagSeconds);
  if (lag === null) return time;
  return time === null ? String(lag) : `${lag}, ${time}`;
}

function hitRate({ hits, misses }: ListedMirror): string | null {
  const all = (hits ?? 0) + (misses ?? 0);
  return all === 0 ? null : `${Math.round((100 * (hits ?? 0)) / all)} %`;
}

function columnsOf<T>(mirrors: readonly T[]) {
  return (header: string, worth: number, cell: (mirror: T) => string | null): Column => ({
    header,
    worth,
    cells: mirrors.map(cell),
  });
}

function stateOf({ preferred, state }: Measured): string {
  return preferred && state === 'ready' ? 'preferred' : state;
}

function formatLatency({ latencyMs }: Measured): string | null {
  return latencyMs === null ? null : `${Math.round(latencyMs)} ms`;
}

function formatRate({ bytesPerSecond: rate }: Measured): string | null {
  return rate === null ? null : `${formatBytes(rate)}/s`;
}

// Shown only where it decides over an order: it does not for those that were measured.
function distance({ latencyMs, distanceKm }: ListedMirror): string | null {
  return latencyMs !== null || distanceKm === null ? null : formatDistance(distanceKm);
}

/** The table of `gam mirrors check`. */
export function checkColumns(mirrors: readonly Measured[]): Column[] {
  const column = columnsOf(mirrors);
  return [
    column('STATE', 4, stateOf),
    column('LATENCY', 3, formatLatency),
    column('RATE', 2, formatRate),
    column('LAG', 1, formatLag),
    column('URL', 5, ({ url }) => url),
  ];
}

/**
 * The table of `gam mirrors list`. Columns in which nothing is known of any mirror are left out, and the rank with
 * them: it is the order of the configuration then.
 *
 * @param owners whose mirror each one is, for the first column
 */
export function mirrorColumns(
  mirrors: readonly ListedMirror[],
  ownerHeader: string,
  owners: readonly string[],
  now: number,
): Column[] {
  const column = columnsOf(mirrors);
  const isOne = new Set(owners).size === 1;
  const measures = [
    column('LATENCY', 9, formatLatency),
    column('DISTANCE', 2, distance),
    column('RATE', 8, formatRate),
    column('LAG', 6, formatLag),
    column('HITS', 7, hitRate),
    column('SAVED', 4, ({ bytesSaved }) =>
      bytesSaved === null || bytesSaved === 0 ? null : formatBytes(bytesSaved),
    ),
    column('USED', 5, ({ lastUsed }) =>
      lastUsed === null ? null : formatAge(Math.max(0, now - Date.parse(lastUsed)) / 1000),
    ),
  ].filter(({ cells }) => cells.some((cell) => cell !== null));
  const rank = column('RANK', 3, (mirror) => (mirror.rank === null ? null : String(mirror.rank)));
  return [
    ...(measures.length > 0 ? [rank] : []),
    { header: ownerHeader, worth: isOne ? 2 : 10, cells: [...owners] },
    column('STATE', 11, stateOf),
    ...measures,
    column('SOURCE', 1, ({ source }) => source),
    column('SITE', 0, ({ site }) => site),
    column('URL', 12, ({ url }) => url),
  ];
}
