/** Alarms that go off once each. */
export class Alarms {
  readonly #rang: () => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #over = new Set<string>();

  constructor(rang: () => void) {
    this.#rang = rang;
  }

  /** Sets an alarm; false when it is set already. */
  set(name: string, milliseconds: number): boolean {
    if (this.#timers.has(name)) return false;
    const timer = setTimeout(() => {
      this.#over.add(name);
      this.#rang();
    }, milliseconds);
    this.#timers.set(name, timer);
    return true;
  }

  has(name: string): boolean {
    return this.#over.has(name);
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }
}
