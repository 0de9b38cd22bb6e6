import { lstatSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { AsyncSubscription, Event } from '@parcel/watcher';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { foldersBelow } from './folders-below.ts';

/** What is told of a watched folder. */
export interface FileEvents {
  /** Something has changed below the folder, other than in .git; paths are only a hint, relative, with slashes. */
  changed(paths: readonly string[]): void;
  /** Events may have been lost, or the folder itself has gone: look at everything. Nothing is told any more. */
  lost(why: string): void;
}

/** Folders that come in a row are taken up at one go. */
const TOGETHER_MS = 300;

function isFolder(path: string): boolean {
  // The library does not tell of names that are no UTF-8 in a way that they could be looked up.
  if (path.includes('\uFFFD')) return true;
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false; // It has gone again.
  }
}

/** One folder that is watched. */
class Watched {
  readonly #top: string;
  readonly #events: FileEvents;
  #subscription: AsyncSubscription | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** The folders that the last look has found, where some were new; they are watched the next time. */
  #known: ReadonlySet<string> | null = null;
  #renewal: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(top: string, events: FileEvents) {
    this.#top = top;
    this.#events = events;
  }

  /** @throws GamError `not-watched` */
  async open(): Promise<void> {
    const { subscribe } = await import('@parcel/watcher');
    const before = this.#known ?? (await foldersBelow(this.#top));
    try {
      this.#subscription = await subscribe(this.#top, (error, events) => this.#hear(error, events), {
        ignore: [join(this.#top, '.git')],
      });
    } catch (cause) {
      const message = printable((cause as Error).message);
      throw new GamError('not-watched', `${printable(this.#top)} is not watched: ${message}`, {
        suggestion:
          'where the system watches no more: sysctl fs.inotify.max_user_watches, and let the administrator raise it',
        cause,
      });
    }
    // The library first looks for all folders, and then watches one after the other: nobody tells of one that is made meanwhile.
    const after = await foldersBelow(this.#top);
    const isNew = [...after].some((folder) => !before.has(folder));
    this.#known = isNew ? after : null;
    if (isNew) this.#renewSoon();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#renewal;
    await this.#subscription?.unsubscribe();
  }

  #hear(error: Error | null, events: readonly Event[]): void {
    if (this.#isClosed) return;
    if (error !== null || events.some(({ path, type }) => path === this.#top && type === 'delete')) {
      this.#lose(error?.message ?? 'the folder has gone');
      return;
    }
    const ours = events.filter(({ path }) => !path.split(sep).includes('.git'));
    if (ours.length === 0) return;
    this.#events.changed(ours.map(({ path }) => relative(this.#top, path).split(sep).join('/')));
    if (ours.some(({ path, type }) => type === 'create' && isFolder(path))) this.#renewSoon();
  }

  #renewSoon(): void {
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#renew(), TOGETHER_MS);
  }

  // On Linux the library does not watch what lies within a folder that is made with more folders in it, moved or renamed (2.6.0).
  #renew(): void {
    this.#timer = null;
    this.#renewal = this.#renewal.then(async () => {
      if (this.#isClosed) return;
      try {
        await this.#subscription?.unsubscribe();
        this.#subscription = null;
        await this.open();
        // What changed between was not heard.
        this.#events.changed([]);
      } catch (error) {
        this.#lose((error as Error).message);
      }
    });
  }

  #lose(why: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.lost(printable(why));
  }
}

/**
 * Watches a folder until the returned function is called. Not everything is heard: on Linux nobody tells when more changes at once than
 * the system keeps in mind (inotify(7)), nor what another machine writes on a network file system.
 *
 * @param top absolute, without symbolic links
 * @throws GamError `not-watched` where the system does not watch it
 */
export async function watchFiles(top: string, events: FileEvents): Promise<() => Promise<void>> {
  const watched = new Watched(top, events);
  await watched.open();
  return () => watched.close();
}
