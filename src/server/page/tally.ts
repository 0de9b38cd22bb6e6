import type { Exchange } from '../exchange.ts';
import type { Usage } from './status.ts';

/** So many repositories are remembered: those used last. */
const REMEMBERED = 200;

/** What each repository has been used for, in memory alone. Who used it is not kept. */
export class Tally {
  readonly #usages = new Map<string, Usage>();
  readonly #most: number;

  constructor(most = REMEMBERED) {
    this.#most = most;
  }

  /** Counts a request that was answered for a repository. */
  count(path: string, { began, bytesIn, bytesOut }: Pick<Exchange, 'began' | 'bytesIn' | 'bytesOut'>): void {
    const before = this.#usages.get(path);
    // A map keeps the order in which keys came: whoever is used again goes behind all others.
    this.#usages.delete(path);
    this.#usages.set(path, {
      path,
      requests: (before?.requests ?? 0) + 1,
      bytesIn: (before?.bytesIn ?? 0) + bytesIn,
      bytesOut: (before?.bytesOut ?? 0) + bytesOut,
      lastUsedAt: new Date(began).toISOString(),
    });
    const [oldest] = this.#usages.keys();
    if (this.#usages.size > this.#most && oldest !== undefined) this.#usages.delete(oldest);
  }

  /** All of it, by path, so that rows stay where they are. */
  get usages(): Usage[] {
    return [...this.#usages.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}
