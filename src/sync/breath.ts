import type { Exchanged } from './exchange.ts';

/** Pushes that follow each other within this time are pushes in a row; after so many, nothing is pushed for a while. */
const IN_A_ROW_MS = 1600;
const MOST = 5;
const REST_MS = 3000;

/**
 * When a folder in which something is saved each second leaves off pushing. Whoever has to merge takes longer than a push does: he would come too late each
 * time, for as long as that goes on. One who saves, looks whether it has come to another machine, and saves again, is never kept waiting.
 */
export class Breath {
  #pushes = 0;
  #latest = Number.NEGATIVE_INFINITY;

  /** Nothing is to be pushed before that; times as of performance.now(). */
  get until(): number {
    return this.#pushes >= MOST ? this.#latest + REST_MS : 0;
  }

  /** Takes note of what an exchange did. */
  note(kind: Exchanged['kind'], now: number): void {
    if (kind === 'merged' || kind === 'forwarded') this.end();
    if (kind !== 'pushed') return;
    this.#pushes = now - this.#latest < IN_A_ROW_MS ? this.#pushes + 1 : 1;
    this.#latest = now;
  }

  /** Others have published something: it is not they who are kept waiting. */
  end(): void {
    this.#pushes = 0;
  }
}
