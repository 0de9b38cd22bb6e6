import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { Journal, sourceName } from './journal.ts';
import { type Span, Spans } from './spans.ts';

/** How many bytes of one connection a crash may lose. */
const NOTED_EVERY = 1024 ** 2;

/**
 * A file that comes in parts: `<file>.part`, and `<file>.journal` with what is there already. Both stay when a
 * download breaks off, so that the next one goes on.
 */
export class PartFile {
  /** Bytes of the whole; null while that is unknown. */
  size: number | null = null;
  done = new Spans();
  readonly #path: string;
  readonly #journal: Journal;
  readonly #handle: FileHandle;
  #validators = new Map<string, string>();

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
    this.#journal = new Journal(`${path}.journal`);
  }

  /** Opens what an earlier download left, or begins. */
  static async open(path: string): Promise<PartFile> {
    const there = await open(`${path}.part`, 'r+').catch(() => null);
    const file = new PartFile(path, there ?? (await open(`${path}.part`, 'w+', 0o600)));
    const earlier = await file.#journal.read();
    if (
      earlier &&
      (await file.#handle.stat()).size >= Math.max(0, ...[...earlier.done].map(({ to }) => to))
    ) {
      file.size = earlier.size;
      file.done = earlier.done;
      file.#validators = earlier.validators;
    } else await file.begin(null);
    return file;
  }

  /** What a source said when the file was begun; null when it said nothing, or was not asked. */
  validator(url: string): string | null {
    return this.#validators.get(sourceName(url)) ?? null;
  }

  /** Forgets what is here. */
  async begin(size: number | null): Promise<void> {
    this.size = size;
    this.done = new Spans();
    this.#validators.clear();
    await this.#journal.remove();
    await this.#handle.truncate(0);
    if (size !== null && size > 0) this.#journal.begin(size);
  }

  noteSource(url: string, validator: string | null): void {
    if (this.size === null || validator === null || this.#validators.has(sourceName(url))) return;
    this.#validators.set(sourceName(url), validator);
    this.#journal.source(url, validator);
  }

  /** Bytes that are here from the start on. */
  get prefix(): number {
    return this.done.gaps(Number.MAX_SAFE_INTEGER)[0]?.from ?? 0;
  }

  async read({ from, to }: Span): Promise<Buffer> {
    const bytes = Buffer.alloc(to - from);
    await this.#handle.read(bytes, 0, bytes.length, from);
    return bytes;
  }

  /** A writer of one span from its start on, which notes what it has written. */
  writer(from: number): { write: (bytes: Buffer) => Promise<void>; flush: () => void } {
    let [noted, at] = [from, from];
    const flush = () => {
      if (this.size !== null) this.#journal.done({ from: noted, to: Math.min(at, this.size) });
      noted = at;
    };
    const write = async (bytes: Buffer) => {
      for (let written = 0; written < bytes.length; ) {
        const more = await this.#handle.write(bytes, written, bytes.length - written, at + written);
        written += more.bytesWritten;
      }
      this.done.add({ from: at, to: at + bytes.length });
      at += bytes.length;
      if (at - noted >= NOTED_EVERY) flush();
    };
    return { write, flush };
  }

  /** SHA-256 of all that is here, in hex. */
  async sha256(): Promise<string> {
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
    const bytes = Buffer.alloc(NOTED_EVERY);
    for (let at = 0; ; ) {
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, at);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(bytes.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  /** Gives the file its name. */
  async finish(): Promise<void> {
    await rename(`${this.#path}.part`, this.#path);
    await this.#journal.remove();
  }

  /** Removes what is here: it is of no use to anyone. */
  async discard(): Promise<void> {
    await this.#journal.remove();
    await rm(`${this.#path}.part`, { force: true });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
