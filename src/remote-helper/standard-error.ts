import { writeSync } from 'node:fs';

/** How long a message waits for whoever reads: git would wait for ever, and a fetch must not fail of it. */
const PATIENCE_MS = 1000;
const PAUSE_MS = 5;

/**
 * Writes to standard error. Where that is full and does not block, as another program may have made it, a message waits
 * for a second; a counter, which the next one overtakes, does not.
 */
export function writeStandardError(text: string | Buffer, kind: 'message' | 'counter'): void {
  const bytes = Buffer.from(text);
  const end = Date.now() + (kind === 'message' ? PATIENCE_MS : 0);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(2, bytes, at);
    } catch (error) {
      // Nobody reads it any more (EPIPE), or not in time: no reason to fail a fetch.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || Date.now() >= end) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
