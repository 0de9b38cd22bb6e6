import { setTimeout as pause } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import { LowSpeed, within } from '../transport/patience.ts';
import type { PartFile } from './part-file.ts';
import { Rate } from './rate.ts';
import { shareOf, type Work } from './share.ts';
import { otherFile, type Source } from './source.ts';
import { Spans } from './spans.ts';
import type { Answer } from './web-file.ts';

/** How often a connection without work looks whether another has become slow; milliseconds. */
const LOOK_EVERY = 200;

/** A request without an answer for so long counts as one that does not go on. */
const SILENT_MS = 1000;

/** How long a source is asked for the end of its file. */
const TAIL_MS = 1000;

/**
 * Looks at the first bytes of a file as they come, piece by piece; `at` of 0 is the beginning, also when it comes again.
 * True when it has seen enough. What it throws ends the download.
 *
 * @param latency milliseconds that the first answer took
 */
export type Inspect = (bytes: Buffer, at: number, latency: number) => Promise<boolean>;

/** What a crew works with. */
export interface CrewTools {
  settings: Pick<Settings, 'lowSpeedLimit' | 'lowSpeedTime'>;
  sizeLimit: number;
  inspect: Inspect;
  grown: (there: number) => void;
  signal: AbortSignal;
}

interface Task extends Work {
  /** Ends its request: all of it was taken over. */
  stop: AbortController;
  /** Null until its answer has come. */
  measure: Rate | null;
}

function broken(message: string): GamError {
  return new GamError('mirror-broken', message, { tryElsewhere: true });
}

/** The connections that bring one file: each takes what is missing, or a share of what another has left. */
export class Crew {
  readonly #file: PartFile;
  readonly #tools: CrewTools;
  readonly #tasks = new Set<Task>();
  #inspected = false;
  #lead: Source | null = null;
  readonly #started = performance.now();
  #latency = 0;
  /** The last bytes of the file, as the lead has them. */
  #tail: Promise<Buffer | null> | null = null;
  /** Wakes those who wait for work when there will be none. */
  readonly #over = new AbortController();
  /** What ends it all: the caller's verdict, an interrupt, a full disk; never a source. */
  #fatal: unknown;

  constructor(file: PartFile, tools: CrewTools) {
    this.#file = file;
    this.#tools = tools;
  }

  /** Whether more than one connection can be at work: the first answer was one of parts, and its beginning is approved. */
  get isOpen(): boolean {
    return this.#inspected && this.#file.size !== null && this.#lead !== null;
  }

  get isWhole(): boolean {
    return this.#file.size !== null && this.#file.done.bytes >= this.#file.size;
  }

  /**
   * Takes all that is missing from its beginning on, as one stream, until the others have their share or all is here.
   * @throws whatever ends the download; a source's failure is noted with the source
   */
  async lead(source: Source, opened: () => void): Promise<void> {
    await this.#guarded(source, async (task) => {
      const from = this.#file.prefix;
      source.validator = this.#file.validator(source.url);
      const answer = await source.get({ from, to: null }, task.stop.signal);
      if (this.#latency === 0) this.#latency = performance.now() - this.#started;
      await this.#adopt(answer, source, from);
      Object.assign(task, { at: answer.from, to: this.#file.size ?? Number.POSITIVE_INFINITY });
      if (answer.ranges) this.#lead = source;
      if (!this.#inspected && answer.from > 0)
        await this.#look(await this.#file.read({ from: 0, to: answer.from }), 0);
      if (this.isOpen) opened();
      await this.#pour(task, source, answer, opened);
      if (this.#file.size === null) this.#file.size = task.at;
    });
  }

  /** Works until all is here, or the source is dropped. */
  async help(source: Source): Promise<void> {
    while (!this.isWhole && source.dropped === null && this.#fatal === undefined) {
      const span = this.#free(source);
      if (span === null) {
        const either = AbortSignal.any([this.#tools.signal, this.#over.signal]);
        await pause(LOOK_EVERY, undefined, { signal: either }).catch(() => undefined);
        this.#tools.signal.throwIfAborted();
        continue;
      }
      await this.#guarded(source, async (task) => {
        Object.assign(task, { at: span.from, to: span.to });
        await this.#agree(source, task.stop.signal);
        const answer = await source.get(span, task.stop.signal);
        if (!answer.ranges || answer.size !== this.#file.size) {
          answer.body.destroy();
          throw otherFile();
        }
        await this.#pour(task, source, answer, () => undefined);
      });
    }
  }

  /** @throws what ended it all, if something did */
  throwIfOver(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  async #guarded(source: Source, work: (task: Task) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const abort = () => stop.abort(this.#tools.signal.reason);
    this.#tools.signal.addEventListener('abort', abort, { once: true });
    if (this.#tools.signal.aborted) abort();
    const asked = performance.now();
    const task: Task = {
      at: 0,
      to: 0,
      stop,
      measure: null,
      get rate() {
        const silent = this.measure === null && performance.now() - asked > SILENT_MS;
        return silent ? 0 : (this.measure?.perSecond ?? source.worth);
      },
    };
    this.#tasks.add(task);
    try {
      await work(task);
    } catch (error) {
      this.#tools.signal.throwIfAborted();
      this.throwIfOver();
      // What was taken over from it is no fault of it that could be told from slowness.
      if (!stop.signal.aborted) source.failed(error);
    } finally {
      this.#tasks.delete(task);
      this.#tools.signal.removeEventListener('abort', abort);
    }
  }

  // What is neither here nor under way first, then a share of what is under way.
  #free(source: Source): { from: number; to: number } | null {
    const size = this.#file.size ?? 0;
    const busy = [...this.#tasks].map(({ at, to }) => ({ from: at, to }));
    const [gap] = new Spans([...this.#file.done, ...busy]).gaps(size);
    if (gap) return gap;
    const share = shareOf([...this.#tasks], source.worth);
    if (share === null) return null;
    share.of.to = share.take.from;
    if (share.of.to <= share.of.at) share.of.stop.abort();
    return share.take;
  }

  // The first answer tells what the file is. One that is not what an earlier run had begins it anew.
  async #adopt({ size, from }: Answer, source: Source, asked: number): Promise<void> {
    if (size !== null && size > this.#tools.sizeLimit) this.#end(broken('is larger than the size limit'));
    if (size !== this.#file.size || from !== asked) {
      if (from !== 0) {
        await this.#file.begin(null);
        throw broken('has another file than before');
      }
      this.#inspected = false;
      await this.#file.begin(size);
      this.#tools.grown(0);
    }
    this.#file.noteSource(source.url, source.validator);
  }

  // Sources that differ are told apart before their bytes get mixed.
  async #agree(source: Source, signal: AbortSignal): Promise<void> {
    if (source === this.#lead || source.agrees || this.#lead === null) return;
    const size = this.#file.size ?? 0;
    // Where the first gives no answer, or is too slow to be waited for, size and digest must do.
    this.#tail ??= this.#lead.tail(size, TAIL_MS, this.#tools.signal).catch(() => null);
    const [own, first] = await Promise.all([source.tail(size, TAIL_MS, signal), this.#tail]);
    if (first !== null && !own.equals(first)) throw otherFile();
    source.agrees = true;
  }

  async #pour(task: Task, source: Source, { body, size }: Answer, opened: () => void): Promise<void> {
    const { lowSpeedLimit, lowSpeedTime } = this.#tools.settings;
    const patience = new LowSpeed(lowSpeedLimit, lowSpeedTime);
    const { write, flush } = this.#file.writer(task.at);
    const measure = new Rate(() => performance.now());
    task.measure = measure;
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const next = () => within(chunks.next(), patience, (one) => (one.done ? 0 : one.value.length));
    try {
      for (let one = await next(); !one.done; one = await next()) {
        const bytes = one.value.subarray(0, Math.min(one.value.length, Math.max(0, task.to - task.at)));
        source.bytes += one.value.length;
        measure.add(bytes.length);
        if (task.at + bytes.length > this.#tools.sizeLimit)
          this.#end(broken('sent more than the size limit'));
        await write(bytes).catch((error: unknown) => this.#end(error));
        task.at += bytes.length;
        if (!this.#inspected && task.at === this.#file.prefix) {
          await this.#look(bytes, task.at - bytes.length);
          if (this.isOpen) opened();
        }
        this.#tools.grown(this.#file.prefix);
        if (this.isWhole) this.#over.abort();
        if (task.at >= task.to) break;
      }
    } finally {
      flush();
      source.worth = measure.perSecond ?? source.worth;
      if (!body.complete) body.destroy();
    }
    if (size === null ? !body.complete : task.at < task.to) throw broken('hung up in the middle');
  }

  async #look(bytes: Buffer, at: number): Promise<void> {
    try {
      this.#inspected = await this.#tools.inspect(bytes, at, this.#latency);
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error: unknown): never {
    this.#fatal = error;
    this.#over.abort();
    for (const task of this.#tasks) task.stop.abort();
    throw error;
  }
}
