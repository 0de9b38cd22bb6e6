/** What is measured in one stretch, and the shortest that says anything; milliseconds. */
const STRETCH = { longest: 2000, shortest: 100 };

/** How fast bytes come, lately. Silence counts: the longer it lasts, the lower the rate. */
export class Rate {
  readonly #now: () => number;
  #since: number;
  #bytes = 0;
  #before: number | null = null;

  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  add(bytes: number): void {
    if (this.#now() - this.#since > STRETCH.longest) {
      this.#before = this.perSecond;
      this.#since = this.#now();
      this.#bytes = 0;
    }
    this.#bytes += bytes;
  }

  /** Bytes a second; null before there is anything to tell. */
  get perSecond(): number | null {
    const passed = this.#now() - this.#since;
    return passed < STRETCH.shortest ? this.#before : (1000 * this.#bytes) / passed;
  }
}
