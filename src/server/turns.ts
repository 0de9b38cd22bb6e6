/** Gives back a place; a second call does nothing. */
export type Leave = () => void;

/** So many requests have git at work at a time; the others wait, in their order. */
export class Turns {
  readonly #limit: number;
  readonly #waiting = new Set<(isMine: boolean) => void>();
  #running = 0;
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether there are places no more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Gives no more places; whoever waits for one learns so. */
  close(): void {
    this.#closed = true;
    for (const tell of this.#waiting) tell(false);
  }

  /**
   * Waits for a place.
   * @param signal gives up waiting: the client has left
   * @param patience in milliseconds
   * @returns null when there was none in time, or there will be none
   */
  async take(signal: AbortSignal, patience: number): Promise<Leave | null> {
    if (signal.aborted || this.#closed) return null;
    if (this.#running < this.#limit) this.#running += 1;
    else if (!(await this.#wait(signal, patience))) return null;
    let here = true;
    return () => {
      if (here) this.#leave();
      here = false;
    };
  }

  async #wait(signal: AbortSignal, patience: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (mine: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waiting.delete(settle);
        resolve(mine);
      };
      const giveUp = () => settle(false);
      const timer = setTimeout(giveUp, patience);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(settle);
    });
  }

  // Who has waited longest takes the place over.
  #leave(): void {
    const [next] = this.#waiting;
    if (next) next(true);
    else this.#running -= 1;
  }
}
