import { once } from 'node:events';
import type { Readable } from 'node:stream';

export { write } from '../transport/write.ts';

// Resolves when there is something to read on a stream, or nothing more to come.
async function stirred(stream: Readable): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  const events = ['readable', 'end', 'close'].map((event) => once(stream, event, { signal }));
  await Promise.race(events);
  done.abort();
  await Promise.allSettled(events);
}

/**
 * Reads one line of text off a stream in paused mode, and leaves what follows it on the stream.
 * @returns the line without its LF; null when the stream ends first
 */
export async function readLine(stream: Readable): Promise<string | null> {
  let text: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      if (stream.readableEnded || stream.destroyed) return null;
      await stirred(stream);
      continue;
    }
    text = Buffer.concat([text, chunk]);
    const end = text.indexOf(0x0a);
    if (end < 0) continue;
    if (end + 1 < text.length) stream.unshift(text.subarray(end + 1));
    return text.toString('utf8', 0, end);
  }
}
