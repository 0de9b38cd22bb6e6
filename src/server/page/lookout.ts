import { redactUrl } from '../../protocol/redact.ts';
import { printable } from '../../protocol/text.ts';
import type { FoundList } from './find-lists.ts';
import type { Seen } from './look.ts';
import type { Freshness } from './status.ts';

/** Looks at one mirror of a repository; settles soon after the signal, and rejects where the mirror does not answer. */
export type Look = (list: FoundList, url: string, signal: AbortSignal) => Promise<Seen>;

/** A mirror is looked at so often at most, in milliseconds. */
export const LOOK_EVERY = 10 * 60_000;

const UNKNOWN: Freshness = { state: 'unknown', behind: null, reason: null, lookedAt: null };

const FAILED = { state: 'failed', behind: null, reason: null } as const;

const keyOf = (gitDir: string, url: string) => `${gitDir}\0${url}`;

/** Knows how fresh mirrors are: looks at one after the other, in the background, and only when it is told of them. */
export class Lookout {
  readonly #look: Look;
  readonly #warn: (line: string) => void;
  readonly #now: () => number;
  readonly #stopping = new AbortController();
  #seen = new Map<string, Freshness>();
  #due: { list: FoundList; url: string }[] = [];
  #working: Promise<void> | null = null;

  /** @param warn is told of a mirror that can no longer be reached, once */
  constructor(look: Look, warn: (line: string) => void, now: () => number = Date.now) {
    this.#look = look;
    this.#warn = warn;
    this.#now = now;
  }

  /** What the last look at a mirror of a repository showed. */
  of({ gitDir }: FoundList, url: string): Freshness {
    return this.#seen.get(keyOf(gitDir, url)) ?? UNKNOWN;
  }

  /** Has those of these lists' mirrors looked at whose last look is ten minutes ago; all others are forgotten. */
  watch(lists: readonly FoundList[]): void {
    const listed = lists.flatMap((list) => list.settings.mirrors.map(({ url }) => ({ list, url })));
    const seen = new Map<string, Freshness>();
    const due = new Map<string, { list: FoundList; url: string }>();
    for (const { list, url } of listed) {
      const key = keyOf(list.gitDir, url);
      const { lookedAt } = this.of(list, url);
      seen.set(key, this.of(list, url));
      if (lookedAt === null || this.#now() - Date.parse(lookedAt) >= LOOK_EVERY) due.set(key, { list, url });
    }
    this.#seen = seen;
    this.#due = [...due.values()];
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  /** Ends the look that is under way. Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping;
    for (let next = this.#due.shift(); next !== undefined && !signal.aborted; next = this.#due.shift()) {
      const { list, url } = next;
      const key = keyOf(list.gitDir, url);
      const lookedAt = this.#seen.get(key)?.lookedAt ?? null;
      // It may have been looked at since it was put here.
      if (lookedAt !== null && this.#now() - Date.parse(lookedAt) < LOOK_EVERY) continue;
      // Why goes into the administrator's log alone: it may name files.
      const [seen, why] = await this.#look(list, url, signal).then(
        (one) => [one, ''] as const,
        (error: unknown) => [FAILED, error instanceof Error ? error.message : String(error)] as const,
      );
      if (signal.aborted) return;
      if (seen.state === 'failed' && this.#seen.get(key)?.state !== 'failed')
        this.#warn(`${list.path}: no answer from its mirror ${redactUrl(url)}: ${printable(why)}`);
      // One that is no longer listed is not remembered.
      if (this.#seen.has(key))
        this.#seen.set(key, { ...seen, lookedAt: new Date(this.#now()).toISOString() });
    }
  }
}
