/** Pauses after failures begin with this, double each time, and grow to this; in milliseconds. */
const FIRST_MS = 500;
const LONGEST_MS = 300_000;

interface Failed {
  /** The notes that were tried. */
  notes: ReadonlySet<string>;
  /** When it may be tried again, on performance.now()'s clock. */
  due: number;
  pauseMs: number;
}

/** When what has failed is tried again: after a pause that grows without end of tries, or at once where something new is noted. */
export class Retries {
  readonly #failed = new Map<string, Failed>();
  readonly #again: boolean;

  /** @param again false: what has failed is tried again only where something new is noted */
  constructor(again = true) {
    this.#again = again;
  }

  /** Whether a job with these notes is to be done now. */
  isDue(job: string, notes: readonly string[], now = performance.now()): boolean {
    const failed = this.#failed.get(job);
    if (failed === undefined || notes.some((note) => !failed.notes.has(note))) return true;
    return this.#again && now >= failed.due;
  }

  failed(job: string, notes: readonly string[], now = performance.now()): void {
    const pauseMs = Math.min((this.#failed.get(job)?.pauseMs ?? FIRST_MS / 2) * 2, LONGEST_MS);
    // Members that were cut off together do not all come back in the same moment.
    const due = now + pauseMs * (0.75 + Math.random() / 2);
    this.#failed.set(job, { notes: new Set(notes), due, pauseMs });
  }

  /** The notes of a job that has failed stand under other names now, and are no new ones. */
  know(job: string, notes: readonly string[]): void {
    const failed = this.#failed.get(job);
    if (failed !== undefined)
      this.#failed.set(job, { ...failed, notes: new Set([...failed.notes, ...notes]) });
  }

  done(job: string): void {
    this.#failed.delete(job);
  }
}
