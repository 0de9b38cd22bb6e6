/** Waits that can be cut short, for one that waits at a time. */
export class Pace {
  #wake: (() => void) | null = null;
  #isAwake = false;

  /** Cuts the wait short; where nobody waits, the next one. */
  wake(): void {
    this.#isAwake = true;
    this.#wake?.();
  }

  /** Waits until a time of performance.now(), or until somebody wakes, or the signal aborts. */
  async until(time: number, signal: AbortSignal): Promise<void> {
    if (!this.#isAwake && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const over = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', over);
          this.#wake = null;
          resolve();
        };
        // Longer waits than a timer takes end too early, which is no harm.
        const timer = setTimeout(over, Math.min(Math.max(0, time - performance.now()), 2 ** 31 - 1));
        signal.addEventListener('abort', over, { once: true });
        this.#wake = over;
      });
    }
    this.#isAwake = false;
  }
}
