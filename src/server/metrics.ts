import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CacheCounts } from './cache-counts.ts';
import { registerCounts } from './cache-metrics.ts';
import type { Exchange } from './exchange.ts';
import { registerGroups } from './group-metrics.ts';
import type { GroupWatch } from './group-watch.ts';
import type { Totals } from './page/status.ts';
import type { Turns } from './turns.ts';

/** From a greeting to the clone of something large, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** What a server answers of itself: whoever watches it would count his own looks. */
const OWN: ReadonlySet<string> = new Set(['health', 'metrics', 'page']);

/** What a server counts, in the names and units that Prometheus recommends. It names no user, and of repositories only those that are in groups. */
export class Metrics {
  readonly #turns: readonly Turns[];
  readonly #registry = new Registry();
  readonly #requests: Counter<'service' | 'status'>;
  readonly #bytesIn: Counter<'service'>;
  readonly #bytesOut: Counter<'service'>;
  readonly #seconds: Histogram<'service'>;

  /**
   * @param cache what a cache counts, where one is served
   * @param groups how the groups stand that repositories are in, where somebody watches them
   */
  constructor(turns: readonly Turns[], cache?: CacheCounts, groups?: GroupWatch | null) {
    this.#turns = turns;
    const registers = [this.#registry];
    const of = (name: string, help: string) => ({ name: `gam_${name}`, help, registers });
    this.#requests = new Counter({
      ...of(
        'http_requests_total',
        'Requests that have ended, by what they were for and the status of the answer.',
      ),
      labelNames: ['service', 'status'],
    });
    this.#bytesIn = new Counter({
      ...of('http_request_bytes_total', 'Bytes of bodies that came from clients.'),
      labelNames: ['service'],
    });
    this.#bytesOut = new Counter({
      ...of('http_response_bytes_total', 'Bytes of bodies that went to clients.'),
      labelNames: ['service'],
    });
    this.#seconds = new Histogram({
      ...of('http_request_duration_seconds', 'From the head of a request to the end of its answer.'),
      labelNames: ['service'],
      buckets: BUCKETS,
    });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        ...of(name, help),
        collect() {
          this.set(value());
        },
      });
    if (cache !== undefined) registerCounts(this.#registry, cache);
    if (groups) registerGroups(this.#registry, () => groups.groups);
    gauge('git_running', 'Requests that git is at work on.', () => this.#running);
    gauge('git_waiting', 'Requests that wait for one of those to end.', () => this.#waiting);
  }

  get #running(): number {
    return this.#turns.reduce((sum, { running }) => sum + running, 0);
  }

  get #waiting(): number {
    return this.#turns.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Counts a request that has ended. */
  count({ bytesIn, bytesOut, elapsed, service }: Exchange, status: number): void {
    this.#requests.inc({ service, status });
    this.#bytesIn.inc({ service }, bytesIn);
    this.#bytesOut.inc({ service }, bytesOut);
    this.#seconds.observe({ service }, elapsed / 1000);
  }

  /** The sums of what was counted of requests for repositories, the answered and the refused. */
  async totals(): Promise<Totals> {
    const of = async (counter: Counter<'service' | 'status'> | Counter<'service'>, first = '') => {
      const { values } = await counter.get();
      const counted = values.filter(({ labels }) => {
        const { service, status = '' } = labels as { service?: string; status?: number | string };
        return !OWN.has(service ?? '') && String(status).startsWith(first);
      });
      return counted.reduce((sum, { value }) => sum + value, 0);
    };
    return {
      requests: await of(this.#requests),
      bytesIn: await of(this.#bytesIn),
      bytesOut: await of(this.#bytesOut),
      errors: await of(this.#requests, '5'),
      refused: await of(this.#requests, '4'),
      running: this.#running,
      waiting: this.#waiting,
    };
  }

  /** All of it in the text format of Prometheus 0.0.4, and the media type of that. */
  async text(): Promise<{ type: string; body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
