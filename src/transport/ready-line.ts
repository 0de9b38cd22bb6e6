import type { Connection } from './connection.ts';

/**
 * A line to a mirror whose program was started before it is known whether it is needed. git's web helper contacts nobody
 * before it is told to; but it takes longer to load than a near mirror to answer.
 */
export class ReadyLine {
  readonly #signal: AbortSignal;
  #made: { url: string; connection: Connection } | null = null;

  /** @param signal ends the program, whoever has it then; whatever it was begun for may be given up before */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /**
   * @param url the mirror's
   * @param start starts the program
   */
  begin(url: string, start: (signal: AbortSignal) => Connection): void {
    this.#made ??= { url, connection: start(this.#signal) };
  }

  /**
   * Hands the line over.
   *
   * @param signal ends it from now on
   * @returns null where none is ready for this mirror
   */
  take(url: string, signal: AbortSignal): Connection | null {
    if (this.#made?.url !== url) return null;
    const { connection } = this.#made;
    this.#made = null;
    if (signal.aborted) connection.close();
    signal.addEventListener('abort', () => connection.close(), { once: true });
    return connection;
  }

  /** Lets a program that nobody needed end by itself. */
  leave(): void {
    this.#made?.connection.input.end();
    this.#made = null;
  }
}
