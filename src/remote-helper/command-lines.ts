import { readSync } from 'node:fs';

const EAGAIN_PAUSE_MS = 2;

/**
 * Reads git's command lines from a file descriptor, one by one and blocking. git waits for the answer to
 * each, so nothing behind a `connect` line is ever taken away from the service that gets the descriptor.
 */
export class CommandLines {
  readonly #fd: number;
  #pending: Buffer = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** What was read behind the last line. */
  get rest(): Buffer {
    return this.#pending;
  }

  /** Puts a line that somebody else has read before the next one. */
  unread(line: string): void {
    this.#pending = Buffer.concat([Buffer.from(`${line}\n`), this.#pending]);
  }

  /** The next line without its LF; null when git has closed the pipe. */
  next(): string | null {
    for (;;) {
      const end = this.#pending.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#pending.toString('utf8', 0, end);
        this.#pending = this.#pending.subarray(end + 1);
        return line;
      }
      const chunk = Buffer.alloc(4096);
      const length = this.#read(chunk);
      if (length === 0) return null;
      this.#pending = Buffer.concat([this.#pending, chunk.subarray(0, length)]);
    }
  }

  #read(chunk: Buffer): number {
    for (;;) {
      try {
        return readSync(this.#fd, chunk);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EOF') return 0;
        if (code !== 'EAGAIN') throw error;
        // Somebody who shares the pipe made it non-blocking.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EAGAIN_PAUSE_MS);
      }
    }
  }
}
