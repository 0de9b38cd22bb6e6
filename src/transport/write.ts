import type { Writable } from 'node:stream';

/**
 * Writes bytes and waits until the stream has taken them, so that a slow reader slows the writer down.
 * Resolves also when the stream breaks: the process behind it then tells why by how it ends.
 */
export function write(stream: Writable, ...pieces: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const last = pieces.at(-1);
    if (last === undefined || stream.destroyed || stream.writableEnded) return resolve();
    // Together in one go, but not copied together: a helper through which a gigabyte passes would hold
    // tens of megabytes that wait for the garbage collector.
    stream.cork();
    for (const piece of pieces.slice(0, -1)) stream.write(piece);
    stream.write(last, () => resolve());
    stream.uncork();
  });
}
