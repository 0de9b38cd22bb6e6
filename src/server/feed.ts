import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Exchange } from './exchange.ts';
import { within } from './patience.ts';

/**
 * Hands a request's body on, to git or to a server upstream, no faster than git takes it. A client that goes silent in the middle is hung up on.
 *
 * @param patience for the next bytes, in milliseconds
 * @returns true when git has got all of it; false when it wanted no more, or the client has left
 */
export async function feed(exchange: Exchange, input: Writable, patience: number): Promise<boolean> {
  const { body, request } = exchange;
  const silent = () => {
    exchange.reason ??= 'the client went silent';
    request.destroy();
  };
  try {
    for (;;) {
      const next = await within(patience, body.next(), silent);
      if (next.done) break;
      exchange.bytesIn += next.value.length;
      // What git does not want is read all the same, so that the client comes to read its answer.
      if (input.writable && !input.write(next.value)) await taken(input);
    }
    const whole = input.writable;
    input.end();
    return whole;
  } catch {
    input.destroy();
    return false;
  }
}

// Settles as well when nobody will take any more.
async function taken(input: Writable): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  try {
    await Promise.race([once(input, 'drain', { signal }), once(input, 'close', { signal })]);
  } finally {
    stop.abort();
  }
}
