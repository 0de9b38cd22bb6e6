import { lstat, readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { afterEachGo, countEvent } from './event-queue.ts';
import type { FileEvents } from './heard.ts';
import { notWatched } from './not-watched.ts';
import { below, WatchedFolders } from './watched-folders.ts';

/** So many events wait in the kernel; those above are dropped (proc(5)), and node does not tell of that. */
const QUEUE = '/proc/sys/fs/inotify/max_queued_events';
const USUAL_QUEUE = 16_384;

const asTold = (path: string) => Buffer.from(path, 'latin1').toString();

/** Events where each folder is watched by itself. */
export class FolderEvents {
  readonly #top: string;
  readonly #events: FileEvents;
  readonly #folders: WatchedFolders;
  readonly #stop = new AbortController();
  readonly #most: number;
  #work: Promise<void> = Promise.resolve();
  readonly #callOff: () => void;
  #told = new Set<string>();
  #moved = new Set<string>();

  private constructor(top: string, events: FileEvents, queue: number) {
    this.#top = resolve(top);
    this.#events = events;
    // Some of what was in a queue that was full is not heard, such as the last words of a folder that has gone.
    this.#most = queue / 2;
    this.#folders = new WatchedFolders(
      this.#top,
      (folder, kind, name) => this.#hear(folder, kind, name),
      (error) => this.#lose(error),
    );
    this.#callOff = afterEachGo((count) => this.#pass(count));
  }

  /** @throws GamError `not-watched` */
  static async watch(top: string, events: FileEvents): Promise<() => Promise<void>> {
    const queue = Number(await readFile(QUEUE, 'utf8').catch(() => USUAL_QUEUE));
    const here = new FolderEvents(top, events, queue);
    try {
      await here.#folders.add('', here.#stop.signal);
    } catch (error) {
      await here.#close();
      throw notWatched(top, error);
    }
    return () => here.#close();
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    this.#callOff();
    this.#folders.close();
    await this.#work;
  }

  #hear(folder: string, kind: 'rename' | 'change', name: string): void {
    countEvent();
    if (name === '.git') return;
    const path = below(folder, name);
    this.#told.add(path);
    if (kind === 'rename') this.#moved.add(path);
  }

  #pass(count: number): void {
    const [told, moved] = [this.#told, this.#moved];
    [this.#told, this.#moved] = [new Set(), new Set()];
    if (count >= this.#most) {
      this.#then(() => this.#again('more has changed at once than the system tells of'));
      return;
    }
    if (told.size > 0) this.#events.changed([...told].map(asTold));
    if (moved.size > 0) this.#then(() => this.#follow([...moved]));
  }

  /** One after the other, so that who closes this knows when the last one has ended. */
  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#stop.signal.aborted) return;
      await work().catch((error: unknown) => this.#lose(error));
    });
  }

  /** Watches the folders that have come, and no longer those that have gone or are others now under the same name. */
  async #follow(paths: readonly string[]): Promise<void> {
    const kinds = await Promise.all(
      paths.map(async (path) => {
        const found = await lstat(this.#folders.at(path)).catch(() => null);
        return { path, isThere: found !== null, isFolder: found?.isDirectory() ?? false };
      }),
    );
    for (const { path } of kinds) this.#folders.forget(path);
    // A watched folder that goes says so by its own name, as if that were an entry of it.
    const own = basename(Buffer.from(this.#top).toString('latin1'));
    if (kinds.some(({ path, isThere }) => path === own && !isThere)) {
      await this.#again('the folder may be another one now');
      return;
    }
    const come = kinds.filter(({ isFolder }) => isFolder).map(({ path }) => path);
    for (const path of come) await this.#folders.add(path, this.#stop.signal);
    // What was made in them before they were watched was not heard of.
    if (come.length > 0 && !this.#stop.signal.aborted) this.#events.changed(come.map(asTold));
  }

  /** Watches everything anew: which folders came meanwhile is not known. */
  async #again(why: string): Promise<void> {
    this.#folders.close();
    await this.#folders.add('', this.#stop.signal);
    this.#lose(new Error(why));
  }

  #lose(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const { code, message } = error as NodeJS.ErrnoException;
    this.#events.lost(code === undefined ? message : notWatched(this.#top, error).message);
  }
}
