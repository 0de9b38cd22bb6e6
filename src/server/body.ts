import type { IncomingMessage } from 'node:http';

/** The body of a request, chunk by chunk. Of what was looked at, nothing is lost. */
export class Body {
  readonly #request: IncomingMessage;
  #chunks: AsyncIterator<Buffer> | null = null;
  #looked: Buffer[] = [];

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  /** The next chunk; rejects when the client leaves in the middle. */
  async next(): Promise<IteratorResult<Buffer>> {
    const value = this.#looked.shift();
    if (value !== undefined) return { value, done: false };
    this.#chunks ??= this.#request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    return this.#chunks.next();
  }

  /** Reads what is left, for nobody; resolves also when the client leaves. */
  async drain(): Promise<void> {
    const isOver = () =>
      this.next().then(
        ({ done }) => done === true,
        () => true,
      );
    while (!(await isOver()));
  }

  /** Takes chunks back, to be given again. */
  giveBack(chunks: readonly Buffer[]): void {
    this.#looked.unshift(...chunks);
  }
}
