import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { write } from './flow.ts';

const PIECE = 128 * 1024;

/** Reads a file from its beginning on while it is still being downloaded, as far as it is there without a gap. */
export class BundleFeed {
  /** True when the download began anew, so that what was read before is of another file. */
  spoiled = false;
  readonly #path: string;
  #file: FileHandle | null = null;
  #there = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the file, to be called while it is sure to be there: a small one may be finished, and moved to its place,
   * before the first byte of it is read.
   */
  async open(): Promise<void> {
    this.#file = await open(this.#path, 'r');
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** So many bytes are there from the beginning on. */
  grown(there: number): void {
    if (there < this.#there) this.spoil();
    this.#there = there;
    this.#wake();
  }

  /** What was read so far is of no use. */
  spoil(): void {
    this.spoiled = true;
    this.#wake();
  }

  /** Nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Writes all behind the first bytes of the open file to a sink, and ends it. */
  async pourInto(sink: Writable, from: number): Promise<void> {
    const file = this.#file;
    if (file === null) throw new Error('the feed is not open');
    // One for all: pieces are written one after the other, and dead ones would pile up.
    const buffer = Buffer.alloc(PIECE);
    try {
      for (let at = from; !this.spoiled && !sink.destroyed; ) {
        const length = Math.min(PIECE, this.#there - at);
        if (length > 0) {
          const { bytesRead } = await file.read(buffer, 0, length, at);
          await write(sink, buffer.subarray(0, bytesRead));
          at += bytesRead;
        } else if (this.#ended) break;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      sink.end();
    }
  }
}
