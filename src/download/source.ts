import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { Deadline, within } from '../transport/patience.ts';
import { type WebAccess, webAccess } from './web-access.ts';
import { type Answer, WebFile } from './web-file.ts';

/** A source that breaks off again and again is no source, however much it sends in between. */
const MOST_BREAKS = 10;

/** What is compared between sources: packs, bundles and archives end with a checksum of all that is before. */
const TAIL = 1024;

/** What sources are asked with. */
export interface SourceTools {
  env: Environment;
  cwd: string;
  /** Milliseconds until a source must have answered. */
  connectTimeout: number;
  signal: AbortSignal;
}

/** The error of a source that has another file under its URL than the others. */
export function otherFile(): GamError {
  return new GamError('mirror-unusable', 'has another file than the first', { tryElsewhere: true });
}

/** One URL that a file is taken from. */
export class Source {
  readonly url: string;
  validator: string | null = null;
  /** Why it is not asked any more; null while it is. */
  dropped: Error | null = null;
  /** True once it is known to have the same file as the first. */
  agrees = false;
  /** Bytes that came from here. */
  bytes = 0;
  /** Bytes a second in what it did last; null before it has done anything. */
  worth: number | null = null;
  readonly #tools: SourceTools;
  #file: Promise<WebFile> | null = null;
  #breaks = 0;
  #bytesAtBreak = 0;

  constructor(url: string, tools: SourceTools) {
    this.url = url;
    this.#tools = tools;
  }

  async get(span: { from: number; to: number | null }, signal: AbortSignal): Promise<Answer> {
    this.#file ??= this.#open();
    const file = await this.#file;
    const answer = await file.get(span, this.validator, this.#tools.connectTimeout, signal);
    this.validator ??= answer.validator;
    return answer;
  }

  /** The last bytes of the file, which tell one from another of the same size. */
  async tail(size: number, milliseconds: number, signal: AbortSignal): Promise<Buffer> {
    const giveUp = new AbortController();
    const either = AbortSignal.any([signal, giveUp.signal]);
    const read = async () => {
      const answer = await this.get({ from: Math.max(0, size - TAIL), to: size }, either);
      if (!answer.ranges || answer.size !== size) throw otherFile();
      const chunks: Buffer[] = [];
      for await (const chunk of answer.body) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    };
    try {
      return await within(read(), new Deadline(milliseconds, 'no answer'), () => 0);
    } catch (error) {
      giveUp.abort();
      throw error;
    }
  }

  /** Notes a failure. One that only broke off, after it had sent something, may go on. */
  failed(error: unknown): void {
    this.#breaks += 1;
    const brokeOff = error instanceof GamError ? error.code === 'mirror-broken' : error instanceof Error;
    const went = this.bytes > this.#bytesAtBreak;
    this.#bytesAtBreak = this.bytes;
    if (brokeOff && went && this.#breaks < MOST_BREAKS) return;
    this.dropped = error instanceof Error ? error : new Error(String(error));
  }

  async close(): Promise<void> {
    (await this.#file?.catch(() => null))?.close();
  }

  async #open(): Promise<WebFile> {
    const access: WebAccess = await webAccess(this.url, this.#tools.env, this.#tools.cwd);
    return new WebFile(this.url, access);
  }
}
