import { createGunzip, type Gunzip } from 'node:zlib';
import { GamError } from '../errors.ts';
import { linePacket } from '../pkt-line/encode.ts';
import { answerCommand, type Capability } from './capability.ts';
import type { Exchange } from './exchange.ts';
import { within } from './patience.ts';
import { type Part, Requests } from './requests.ts';

/** What http-backend(1) says of every answer that must not be kept (http-backend.c, `hdr_nocache`). */
export const NOT_KEPT = {
  Expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache, max-age=0, must-revalidate',
};

/** More than this, out of one chunk, is no request for a command of a table, however it was compressed. */
const LARGEST_PIECE = 256 * 1024;

/** Decodes a body piece by piece, as http-backend does (http-backend.c, `get_parameter`, `inflate_request`). */
class Decoded {
  readonly #gunzip: Gunzip | null;
  readonly #closed: Promise<null>;
  #pieces: Buffer[] = [];
  #failed = false;

  constructor(encoding: string | undefined) {
    const gunzip = /^(?:x-)?gzip$/.test(encoding ?? '') ? createGunzip() : null;
    this.#gunzip = gunzip;
    this.#closed = new Promise((resolve) => gunzip?.once('close', () => resolve(null)));
    gunzip?.on('error', () => {
      this.#failed = true;
    });
    gunzip?.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      if (this.#pieces.reduce((sum, { length }) => sum + length, 0) > LARGEST_PIECE) gunzip.destroy();
    });
  }

  /** What a chunk decodes to, as far as it goes; null where it is not what it was said to be. */
  async take(chunk: Buffer): Promise<Buffer | null> {
    const gunzip = this.#gunzip;
    if (gunzip === null) return chunk;
    if (!gunzip.destroyed)
      await Promise.race([new Promise((resolve) => gunzip.write(chunk, resolve)), this.#closed]);
    return this.#failed ? null : Buffer.concat(this.#pieces.splice(0));
  }

  end(): void {
    this.#gunzip?.destroy();
  }
}

/**
 * Looks whose command a posted body asks for, no further than to where that is clear. What was looked at is given back,
 * unless it was for the table.
 * @returns the request, where it is for a command of the table; null where it is the service's own
 */
export async function requestForTable(
  exchange: Exchange,
  table: readonly Capability[],
  patience: number,
): Promise<Exclude<Part, { kind: 'pass' }> | null> {
  const { body, request } = exchange;
  const decoded = new Decoded(request.headers['content-encoding']);
  const requests = new Requests(table);
  const looked: Buffer[] = [];
  const silent = () => {
    exchange.reason ??= 'the client went silent';
    request.destroy();
  };
  exchange.goOn();
  try {
    for (;;) {
      const next = await within(patience, body.next(), silent);
      if (next.done) break;
      looked.push(next.value);
      const bytes = await decoded.take(next.value);
      const [part] = bytes === null ? [] : requests.push(bytes);
      if (bytes === null || part?.kind === 'pass') break;
      if (part === undefined) continue;
      exchange.bytesIn += looked.reduce((sum, { length }) => sum + length, 0);
      // What still comes, such as the end of what was compressed, is for nobody; but a client that is hung up on while it
      // sends loses the answer, as one does that wants no second request on its line.
      await within(patience, body.drain(), silent);
      return part;
    }
    body.giveBack(looked);
    return null;
  } finally {
    decoded.end();
  }
}

/**
 * Answers a request for a command of the table, over the stateless line of http: status 200, and what cannot be answered is told
 * by an `ERR` packet, as it is by git's upload-pack.
 */
export async function answerForTable(
  exchange: Exchange,
  part: Exclude<Part, { kind: 'pass' }>,
  table: readonly Capability[],
): Promise<void> {
  const say = (body: Buffer) => {
    exchange.say(200, body, { 'Content-Type': 'application/x-git-upload-pack-result', ...NOT_KEPT });
  };
  try {
    if (part.kind === 'refused') throw part.error;
    const packets = await answerCommand(table, part.capability, part.request);
    say(Buffer.concat(packets.map(({ raw }) => raw)));
  } catch (error) {
    if (!(error instanceof GamError)) throw error;
    exchange.reason = error.message;
    say(linePacket(`ERR ${error.message}`).raw);
  }
}
