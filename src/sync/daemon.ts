import { mkdir } from 'node:fs/promises';
import { GamError } from '../errors.ts';
import { processName } from '../git/alive.ts';
import { readConfigFile } from '../git/config-file.ts';
import type { Environment } from '../git/environment.ts';
import { takeOwnedLock } from '../git/owned-lock.ts';
import { Folder } from './folder.ts';
import type { WatchPlaces } from './places.ts';
import { writeWatchStatus } from './status-file.ts';
import { readWatchList, type WatchedFolder } from './watch-list.ts';
import { type LogLine, writeWatchLog } from './watch-log.ts';

/** How folders are watched. */
export interface DaemonOptions {
  places: WatchPlaces;
  env: Environment;
  /** The name of this machine. */
  host: string;
  pid: number;
  signal: AbortSignal;
  /** Told of what happens; the log has it, too. */
  tell: (line: LogLine) => void;
}

/** Changes of the status are written no more often than this. */
const STATUS_MS = 250;

/** The folders that are to be watched. */
export async function listedFolders(
  places: WatchPlaces,
  env: Environment,
): Promise<ReturnType<typeof readWatchList>> {
  return readWatchList(await readConfigFile(places.list, { env }));
}

interface Watching {
  folder: Folder;
  listed: WatchedFolder;
  end: AbortController;
  done: Promise<void>;
}

/** Watches the folders of the list until the signal aborts. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #started = new Date().toISOString();
  readonly #watching = new Map<string, Watching>();
  #timer: NodeJS.Timeout | null = null;
  #reloading: Promise<void> = Promise.resolve();
  #ended = new AbortController();

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /**
   * Works until the signal aborts.
   * @throws GamError `watch-running` where another process is at it
   */
  async run(): Promise<void> {
    const { places, pid, signal } = this.#options;
    await mkdir(places.folder, { recursive: true });
    const lock = await takeOwnedLock(places.lock, processName(pid), AbortSignal.abort());
    if (lock === null)
      throw new GamError('watch-running', 'another gam watch is at work', {
        suggestion: 'gam watch status tells of it, gam watch stop ends it',
      });
    try {
      await this.reload();
      this.#write();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      this.#ended.abort();
      await this.#reloading;
      for (const { end } of this.#watching.values()) end.abort();
      await Promise.all([...this.#watching.values()].map(({ done }) => done));
      if (this.#timer !== null) clearTimeout(this.#timer);
      await lock.release();
    }
  }

  /** Reads the list anew: what is new is watched, and what is gone, or is to be watched in another way, is left. */
  reload(): Promise<void> {
    // Two gam watch add in a row: of two that go over the list at once, one would forget whom the other has just started.
    const next = this.#reloading.then(() => this.#reload());
    this.#reloading = next.catch(() => undefined);
    return next;
  }

  async #reload(): Promise<void> {
    const { places, env } = this.#options;
    const { folders, warnings } = await listedFolders(places, env);
    for (const warning of warnings) this.#tell(null, warning);
    const wanted = new Map(folders.map((folder) => [folder.dir, folder]));
    for (const [dir, { listed, end, done }] of this.#watching) {
      if (JSON.stringify(wanted.get(dir)) === JSON.stringify(listed)) continue;
      end.abort();
      await done;
      this.#watching.delete(dir);
      this.#tell(dir, 'not watched any more, or in another way');
    }
    for (const listed of folders) if (!this.#watching.has(listed.dir)) this.#start(listed);
    this.#changed();
  }

  #start(listed: WatchedFolder): void {
    const { env, host, pid } = this.#options;
    const end = new AbortController();
    if (this.#ended.signal.aborted) return;
    const folder = new Folder(listed, {
      env,
      host,
      pid,
      signal: end.signal,
      tell: (dir, line) => this.#tell(dir, line),
      changed: () => this.#changed(),
    });
    this.#tell(listed.dir, 'watched');
    const done = folder.run().catch((error: Error) => this.#tell(listed.dir, error.message));
    this.#watching.set(listed.dir, { folder, listed, end, done });
  }

  #tell(folder: string | null, words: string): void {
    const { places, tell } = this.#options;
    const line = { time: new Date().toISOString(), folder, words };
    writeWatchLog(places, line);
    tell(line);
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => this.#write(), STATUS_MS);
  }

  #write(): void {
    this.#timer = null;
    const { pid, places } = this.#options;
    const folders = [...this.#watching.values()].map(({ folder }) => folder.status);
    writeWatchStatus(places, { process: processName(pid), pid, started: this.#started, folders });
  }
}
