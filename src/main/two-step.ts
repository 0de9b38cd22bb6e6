/** A second Ctrl-C within this time stops: milliseconds. */
const TOGETHER_MS = 2000;

/**
 * What Ctrl-C means while git runs: the first leaves the mirror in hand, a second soon after it stops. Where there is no
 * mirror in hand, there is nothing else to be stopped.
 */
export class TwoStep {
  readonly #leave: () => boolean;
  #left = Number.NEGATIVE_INFINITY;

  /** @param leave leaves what is in hand; false when there is nothing */
  constructor(leave: () => boolean) {
    this.#leave = leave;
  }

  /** @param now in milliseconds */
  pressed(now: number): 'left' | 'stop' {
    if (now - this.#left < TOGETHER_MS || !this.#leave()) return 'stop';
    this.#left = now;
    return 'left';
  }
}
