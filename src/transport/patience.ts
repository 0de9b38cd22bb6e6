import { GamError } from '../errors.ts';

/** How long a mirror may be waited for; only time spent waiting counts, not time spent indexing. */
export interface Patience {
  /** Milliseconds that the next read may take. */
  remaining(): number;
  /** Accounts for one read: how long it took and what it brought. */
  spent(milliseconds: number, bytes: number): void;
  /** Hears how many objects a pack holds, when it begins. */
  begins?(objects: number): void;
  /** What to say of a mirror that used it up. */
  readonly complaint: string;
}

/** Patience with an end, whatever arrives: for answers that are short. */
export class Deadline implements Patience {
  #left: number;
  readonly complaint: string;

  constructor(milliseconds: number, what: string) {
    this.#left = milliseconds;
    this.complaint = `${what} within ${milliseconds / 1000} s`;
  }

  remaining(): number {
    return this.#left;
  }

  spent(milliseconds: number): void {
    this.#left -= milliseconds;
  }
}

/**
 * Patience with a rate, as http.lowSpeedLimit and http.lowSpeedTime (git-config(1)): in any stretch of
 * `time` milliseconds of waiting, at least `limit` bytes a second must come.
 */
export class LowSpeed implements Patience {
  readonly #limit: number;
  readonly #time: number;
  #waited = 0;
  #bytes = 0;
  readonly complaint: string;

  constructor(limit: number, time: number) {
    this.#limit = limit;
    this.#time = time;
    this.complaint = `slower than ${limit} bytes a second for ${time / 1000} s`;
  }

  remaining(): number {
    return this.#time - this.#waited;
  }

  spent(milliseconds: number, bytes: number): void {
    this.#waited += milliseconds;
    this.#bytes += bytes;
    const enough = this.#bytes >= (this.#limit * this.#time) / 1000;
    if (enough) {
      this.#waited = 0;
      this.#bytes = 0;
    }
  }
}

/**
 * Waits for a promise as long as the patience lasts.
 * @throws GamError `mirror-slow` when it is used up
 */
export async function within<T>(
  promise: Promise<T>,
  patience: Patience,
  size: (value: T) => number,
): Promise<T> {
  const started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const fail = () => reject(new GamError('mirror-slow', patience.complaint, { tryElsewhere: true }));
    timer = setTimeout(fail, Math.max(0, patience.remaining()));
  });
  try {
    const value = await Promise.race([promise, late]);
    patience.spent(performance.now() - started, size(value));
    return value;
  } finally {
    clearTimeout(timer);
  }
}
