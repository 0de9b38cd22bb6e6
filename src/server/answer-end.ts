import { FLUSH } from '../pkt-line/encode.ts';

/** More than a message of git's is long. */
const LONGEST = 4096;

/** The end of an answer, as far as one message reaches. */
export class AnswerEnd {
  #tail: Buffer = Buffer.alloc(0);

  /** Takes the next bytes of the answer. */
  add(chunk: Buffer): void {
    this.#tail = (chunk.length >= LONGEST ? chunk : Buffer.concat([this.#tail, chunk])).subarray(-LONGEST);
  }

  /** Whether the last packet is a flush, with which an answer to a POST ends, but for one that only negotiates. */
  isFlushed(): boolean {
    return this.#tail.subarray(-4).equals(FLUSH.raw);
  }

  /**
   * Whether the last packet is one that tells the client of an error: `ERR <message>` (gitprotocol-pack(5), "pkt-line
   * format"), or a message in band 3 (gitprotocol-pack(5), "Packfile Data"). A packet's length stands before it, so its
   * beginning is looked for from which that length leads just to the end.
   */
  tellsError(): boolean {
    const text = this.#tail.toString('latin1');
    return [...text.matchAll(/(?=([0-9a-f]{4})(?:ERR |\u0003))/g)].some(
      ({ 1: length = '', index }) => index + Number.parseInt(length, 16) === text.length,
    );
  }
}
