/** The longest that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

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
        const left = () => Math.min(Math.max(0, Math.ceil(time - performance.now())), LONGEST_MS);
        // A timer counts in whole milliseconds, and may end a part of one too early; and it takes no longer waits.
        const look = () => {
          if (performance.now() >= time) over();
          else timer = setTimeout(look, left());
        };
        let timer = setTimeout(look, left());
        signal.addEventListener('abort', over, { once: true });
        this.#wake = over;
      });
    }
    this.#isAwake = false;
  }
}
