import type { Readable, Writable } from 'node:stream';
import { GamError } from '../errors.ts';
import { linePacket } from '../pkt-line/encode.ts';
import { write } from '../transport/write.ts';
import { Answers } from './answers.ts';
import { advertisedLines, answerCommand, type Capability } from './capability.ts';
import { type Part, Requests } from './requests.ts';

/** A line: what its other end sends, and what that reads. */
export interface Line {
  input: Readable;
  output: Writable;
}

/** What is on both sides of an interposer. */
export interface Sides {
  client: Line;
  /** git's upload-pack, or a server that speaks as that does. `close()` ends it, also when it has ended already. */
  service: Line & { close(): void };
  /**
   * Whether the service greets: over ssh and pipes, where requests follow on the same line, and when a web client asks
   * for `info/refs`, where none does. It does not when a web client posts its one request.
   */
  greets: boolean;
}

/**
 * Stands between a client of protocol v2 and git's upload-pack: adds a table's capabilities to the greeting, answers the
 * table's commands, and passes everything else, as it comes and no faster than it is taken. Where the service turns
 * out not to speak v2, everything is passed. Returns when the service sends no more; `client.output` stays open.
 * @returns why a request was refused, after which the client was not read any further; null where none was
 */
export async function interpose(
  { client, service, greets }: Sides,
  table: readonly Capability[],
): Promise<GamError | null> {
  const answers = new Answers(greets ? advertisedLines(table) : null);
  // For a client that has gone git would pack on, as long as nothing is written.
  for (const event of ['error', 'close']) client.output.on(event, () => service.close());
  const requests = passRequests(client, service.output, answers, table).finally(() => service.output.end());
  requests.catch(() => service.close());
  for await (const chunk of untilBroken(service.input)) await write(client.output, ...answers.push(chunk));
  await write(client.output, ...answers.end());
  // It may still wait for what the client says next, to nobody.
  return Promise.race([requests, Promise.resolve(null)]);
}

// A line that breaks has ended: how, the process behind it tells.
async function* untilBroken(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    // The next chunk never comes.
  }
}

async function passRequests(
  client: Line,
  input: Writable,
  answers: Answers,
  table: readonly Capability[],
): Promise<GamError | null> {
  const known = (await answers.allGiven()) ? table : null;
  const requests = new Requests(known ?? []);
  for await (const chunk of untilBroken(client.input)) {
    // An older protocol has no requests that end.
    const parts: Part[] =
      known === null ? [{ kind: 'pass', bytes: chunk, answers: 0 }] : requests.push(chunk);
    for (const part of parts) {
      if (part.kind === 'pass') {
        answers.expect(part.answers);
        await write(input, part.bytes);
        continue;
      }
      // A client may have sent its requests all at once, and git be in the middle of a pack.
      if (!(await answers.allGiven())) return null;
      const refusal = await answer(part, client.output, table);
      if (refusal !== null) return refusal;
    }
  }
  await write(input, requests.rest());
  return null;
}

async function answer(
  part: Exclude<Part, { kind: 'pass' }>,
  output: Writable,
  table: readonly Capability[],
): Promise<GamError | null> {
  try {
    if (part.kind === 'refused') throw part.error;
    const packets = await answerCommand(table, part.capability, part.request);
    await write(output, ...packets.map(({ raw }) => raw));
    return null;
  } catch (error) {
    if (!(error instanceof GamError)) throw error;
    await write(output, linePacket(`ERR ${error.message}`).raw);
    return error;
  }
}
