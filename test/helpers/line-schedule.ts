/** A direction of a line: how long a bit is under way, and how many fit in a second. */
export interface Capacity {
  /** One way, in milliseconds. */
  latency: number;
  /** In bits per second; infinite when not limited. */
  bitsPerSecond: number;
}

/**
 * Says when bytes arrive at the far end. They leave one after the other at the line's rate, whichever
 * connection they belong to, and are under way for its latency. Pure: the caller brings the clock.
 */
export class LineSchedule {
  private readonly capacity: Capacity;
  private free = 0;

  constructor(capacity: Capacity) {
    this.capacity = capacity;
  }

  /**
   * @param now when the bytes are handed in; milliseconds on any clock that does not go back
   * @param opensAt when their connection is open, if that is later; the line serves others meanwhile
   * @returns when the last of them arrives, on the same clock
   */
  arrival(now: number, bytes: number, opensAt = now): number {
    const { bitsPerSecond, latency } = this.capacity;
    const duration = (bytes * 8 * 1000) / bitsPerSecond;
    this.free = Math.max(now, this.free) + duration;
    return Math.max(this.free, opensAt + duration) + latency;
  }

  /** Bytes that may be under way or waiting before the sender is held back, as a window would hold it. */
  get window(): number {
    const { bitsPerSecond, latency } = this.capacity;
    const underWay = latency === 0 ? 0 : (bitsPerSecond / 8) * (latency / 1000);
    return Math.min(64 << 20, 2 * underWay + (512 << 10));
  }

  /** Bytes that take about five milliseconds to leave: what is handed on at a time. */
  get piece(): number {
    return Math.max(1, Math.min(64 << 10, Math.floor(this.capacity.bitsPerSecond / 8 / 200)));
  }
}
