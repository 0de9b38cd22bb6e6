import type { Socket } from 'node:net';
import { applyFault, type Fault } from './line-fault.ts';
import type { LineSchedule } from './line-schedule.ts';

interface Parcel {
  due: number;
  /** null: the end of the stream. */
  bytes: Buffer | null;
}

/** How one direction of one connection behaves. */
export interface LaneOptions {
  schedule: LineSchedule;
  /** When the connection would be open on a real line; nothing leaves before. */
  opensAt: number;
  fault: Fault | null;
  /** Told of every piece that has arrived. */
  arrived: (bytes: number) => void;
  /** The monotonic clock, in milliseconds. */
  now: () => number;
}

/**
 * Carries bytes from one socket to another with a line's latency and rate. Order is kept by a queue, and
 * one timer waits for its head. The source is paused while the queue is full or the sink does not drain.
 */
class Lane {
  private readonly source: Socket;
  private readonly sink: Socket;
  private readonly options: LaneOptions;
  private readonly piece: number;
  private queue: Parcel[] = [];
  private queued = 0;
  private delivered = 0;
  private blocked = false;
  private dead = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket, options: LaneOptions) {
    this.source = source;
    this.sink = sink;
    this.options = options;
    this.piece = options.schedule.piece;
  }

  start(): void {
    const { source, sink } = this;
    source.on('data', (chunk: Buffer) => this.take(chunk));
    source.once('end', () => this.push(null));
    sink.on('drain', () => {
      this.blocked = false;
      this.deliver();
    });
    sink.once('close', () => {
      this.stop();
      source.resume(); // What nobody takes any more is dropped; only so the end of the source is seen.
    });
  }

  private take(chunk: Buffer): void {
    for (let start = 0; start < chunk.length; start += this.piece) {
      this.push(chunk.subarray(start, start + this.piece));
    }
    if (this.queued > this.options.schedule.window) this.source.pause();
  }

  private push(bytes: Buffer | null): void {
    if (this.dead) return;
    const { schedule, opensAt, now } = this.options;
    const size = bytes?.length ?? 0;
    this.queue.push({ due: schedule.arrival(now(), size, opensAt), bytes });
    this.queued += size;
    if (this.timer === undefined && !this.blocked) this.wait();
  }

  private wait(): void {
    const head = this.queue[0];
    if (head === undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.deliver();
      },
      Math.max(0, head.due - this.options.now()),
    );
  }

  private deliver(): void {
    if (this.timer !== undefined) return;
    const now = this.options.now();
    let sent = 0;
    for (const { due, bytes } of this.queue) {
      // Timers are a millisecond coarse; half of one is as good as now.
      if (this.blocked || this.dead || due > now + 0.5) break;
      sent += 1;
      if (bytes === null) this.sink.end();
      else this.send(bytes);
    }
    this.queue = this.queue.slice(sent);
    if (this.queued <= this.options.schedule.window / 2) this.source.resume();
    if (!this.blocked && !this.dead) this.wait();
  }

  private send(piece: Buffer): void {
    const { bytes, event } = applyFault(this.options.fault, piece, this.delivered);
    this.queued -= piece.length;
    this.delivered += bytes.length;
    if (bytes.length > 0) this.blocked = !this.sink.write(bytes);
    this.options.arrived(bytes.length);
    if (event === null) return;
    this.stop();
    this.source.pause();
    if (event === 'cut') this.sink.end();
    if (event === 'reset') this.sink.resetAndDestroy();
  }

  private stop(): void {
    this.dead = true;
    clearTimeout(this.timer);
    this.queue = [];
  }
}

/** Carries everything from one socket to the other, to the end. */
export function carry(source: Socket, sink: Socket, options: LaneOptions): void {
  new Lane(source, sink, options).start();
}
