import { Counter, Gauge, type Registry } from 'prom-client';
import type { CacheCounts } from './cache-counts.ts';

const HELP = {
  hits: 'Greetings from a copy that was young enough.',
  misses: 'Greetings that had to wait for a first fetch.',
  stale: 'Greetings from a copy that could not be refreshed.',
  refreshes: 'Copies brought to where canonical is.',
  fetches: 'Repositories fetched for the first time.',
  failures: 'Fetches and refreshes that failed or were refused.',
  evictions: 'Copies removed to make room.',
} as const satisfies Record<Exclude<keyof CacheCounts, 'staleCopies' | 'bytes'>, string>;

const NAMES = ['hits', 'misses', 'stale', 'refreshes', 'fetches', 'failures', 'evictions'] as const;

/** Adds what a cache counts to what a server tells. */
export function registerCounts(registry: Registry, counts: CacheCounts): void {
  const registers = [registry];
  const counter = (name: keyof typeof HELP) =>
    new Counter({
      name: `gam_cache_${name}_total`,
      help: HELP[name],
      registers,
      collect() {
        this.reset();
        this.inc(counts[name]);
      },
    });
  for (const name of NAMES) counter(name);
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  const stale = 'Copies that canonical did not confirm when it was last asked.';
  gauge('gam_cache_stale_copies', stale, () => counts.staleCopies);
  gauge('gam_cache_bytes', 'Bytes on disk of all copies.', () => counts.bytes);
}
