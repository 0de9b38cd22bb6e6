/** What a cache counts, for metrics. A greeting counts, not the requests that follow it. */
export interface CacheCounts {
  /** Greetings from what was here, and known to be young enough. */
  hits: number;
  /** Greetings for which the repository had to be fetched, whatever came of it. */
  misses: number;
  /** Greetings from what was here, because canonical could not be asked. */
  stale: number;
  /** Repositories that were brought to where canonical is. */
  refreshes: number;
  /** Repositories that were fetched for the first time. */
  fetches: number;
  /** Fetches and refreshes that failed, canonical's own no included. */
  failures: number;
  evictions: number;
  /** Copies that canonical did not confirm when it was last asked, and has not since. */
  staleCopies: number;
  /** Of all copies, at the last count. */
  bytes: number;
}

export function newCounts(): CacheCounts {
  const totals = { hits: 0, misses: 0, stale: 0, refreshes: 0, fetches: 0, failures: 0, evictions: 0 };
  return { ...totals, staleCopies: 0, bytes: 0 };
}
