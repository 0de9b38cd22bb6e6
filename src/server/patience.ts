/** For how long a server waits, in milliseconds. */
export interface Patience {
  /** For the head of a request. */
  head: number;
  /** For the next bytes of a request's body, while git waits for them. */
  body: number;
  /** For the client to take some of what was written to it. */
  reader: number;
  /** For a free place, where as many requests are answered as may be at a time. */
  turn: number;
  /** For running requests, once the server is told to stop. */
  stop: number;
}

/**
 * A large push over a thin line is no silence, and has all the time that it needs. A reader gets minutes, since his git
 * may be on a disk that is as slow. The stop is shorter than the ten seconds after which others would kill.
 */
export const PATIENCE: Patience = { head: 30_000, body: 120_000, reader: 300_000, turn: 60_000, stop: 8000 };

/** Waits for a promise; when it takes too long, `late` is called, which must see to it that it settles. */
export async function within<T>(milliseconds: number, promise: Promise<T>, late: () => void): Promise<T> {
  const timer = setTimeout(late, milliseconds);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
