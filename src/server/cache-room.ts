import type { CacheCounts } from './cache-counts.ts';
import type { CacheFolder } from './cache-folder.ts';
import { type CopySize, sizeOfCopy } from './cached-copy.ts';

interface Sized extends CopySize {
  folder: string;
}

/**
 * Which copies go first: those that canonical gives us no more, then those for which nobody has come for longest.
 *
 * @param limit bytes
 * @returns as many as must go, if all of them can; there may be more behind them
 */
export function leastNeeded<T extends CopySize>(copies: readonly T[], limit: number): T[] {
  const order = [...copies].sort((a, b) => Number(b.isGone) - Number(a.isGone) || a.used - b.used);
  return copies.reduce((sum, { bytes }) => sum + bytes, 0) > limit ? order : [];
}

/** Counts what all copies take, and removes some where that is too much. */
export class CacheRoom {
  readonly #folder: CacheFolder;
  readonly #limit: number;
  readonly #counts: CacheCounts;
  readonly #log: (line: string) => void;
  readonly #removed: (folder: string) => void;
  #running: Promise<void> | null = null;
  #again = false;

  /** @param removed is told of each copy that was removed */
  constructor(
    folder: CacheFolder,
    limit: number,
    counts: CacheCounts,
    log: (line: string) => void,
    removed: (folder: string) => void,
  ) {
    this.#folder = folder;
    this.#limit = limit;
    this.#counts = counts;
    this.#log = log;
    this.#removed = removed;
  }

  /** Whether more is there than should be: some copy could not go when it was to. */
  get isOver(): boolean {
    return this.#counts.bytes > this.#limit;
  }

  /** Looks once more, after all that has changed until now. Does not reject. */
  async look(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#lookUntilQuiet().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#again = false;
      await this.#lookOnce().catch((error: unknown) =>
        this.#log(`cannot look at the cache: ${String(error)}`),
      );
    } while (this.#again);
  }

  async #lookOnce(): Promise<void> {
    const copies: Sized[] = [];
    for await (const folder of this.#folder.copies()) {
      const size = await sizeOfCopy(this.#folder.gitDir(folder));
      if (size !== null) copies.push({ folder, ...size });
    }
    let bytes = copies.reduce((sum, copy) => sum + copy.bytes, 0);
    for (const copy of leastNeeded(copies, this.#limit)) {
      if (bytes <= this.#limit) break;
      if (!(await this.#folder.remove(copy.folder))) continue;
      bytes -= copy.bytes;
      this.#counts.evictions += 1;
      this.#removed(copy.folder);
      this.#log(`removed ${copy.folder} to make room`);
    }
    this.#counts.bytes = bytes;
  }
}
