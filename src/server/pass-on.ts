import { once } from 'node:events';
import type { Answers } from './answers.ts';
import type { Exchange } from './exchange.ts';
import { within } from './patience.ts';

async function* greeted(body: AsyncIterable<Buffer>, greeting: Answers): AsyncGenerator<Buffer> {
  for await (const chunk of body) yield* greeting.push(chunk);
  yield* greeting.end();
}

/**
 * Passes the body of an answer on, no faster than the client takes it; rejects where it breaks off. The answer's end is the
 * caller's.
 *
 * @param greeting what adds to it, where it is a greeting that is added to
 * @param patience for the client to take some, in milliseconds
 * @param see is shown each chunk that goes out
 */
export async function passOn(
  exchange: Exchange,
  body: AsyncIterable<Buffer>,
  greeting: Answers | null,
  patience: number,
  see: (chunk: Buffer) => void = () => undefined,
): Promise<void> {
  const { gone, request, response } = exchange;
  const asleep = () => {
    exchange.reason ??= 'the client stopped reading';
    response.destroy();
  };
  for await (const chunk of greeting === null ? body : greeted(body, greeting)) {
    see(chunk);
    // A receive-pack that has all it needs goes on without its client, and must not find its pipe full.
    if (gone.aborted) continue;
    if (request.method !== 'HEAD') exchange.bytesOut += chunk.length;
    if (!response.write(chunk))
      await within(patience, once(response, 'drain', { signal: gone }), asleep).catch(() => undefined);
  }
}
