import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';

/** The path of an entry of a folder, both as WatchedFolders has them. */
export function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** What is heard of an entry of a folder: `rename` where it came or went, `change` for all else. */
export type Heard = (folder: string, kind: 'rename' | 'change', name: string) => void;

// It went while we looked, is none any more, or is not ours to read, and git's neither.
const PASSED_OVER = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM']);

function isPassedOver(error: unknown): boolean {
  return PASSED_OVER.has((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * A folder and all below it but `.git`, each watched by itself, as inotify has it (inotify(7): "not recursive").
 * Names are relative to the folder, '' for itself, with one character for each byte (latin1): a name need not be UTF-8.
 */
export class WatchedFolders {
  readonly #top: string;
  readonly #heard: Heard;
  readonly #failed: (error: Error) => void;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(top: string, heard: Heard, failed: (error: Error) => void) {
    this.#top = top;
    this.#heard = heard;
    this.#failed = failed;
  }

  /** Where an entry is, as the system wants it. */
  at(path: string): Buffer {
    const top = Buffer.from(this.#top);
    return path === '' ? top : Buffer.concat([top, Buffer.from(`/${path}`, 'latin1')]);
  }

  /**
   * Watches a folder and those below it. One that comes while this is under way is found here or heard of, since each is
   * watched before it is read: the other way round, what is made in between would never be watched.
   * @throws the system's error where it does not watch, or the folder is the top and cannot be read
   */
  async add(path: string, signal: AbortSignal): Promise<void> {
    const left = [path];
    for (let folder = left.pop(); folder !== undefined && !signal.aborted; folder = left.pop()) {
      this.forget(folder);
      try {
        this.#watch(folder);
        const entries = await readdir(this.at(folder), { encoding: 'buffer', withFileTypes: true });
        for (const entry of entries) {
          const name = entry.isDirectory() ? entry.name.toString('latin1') : '.git';
          if (name !== '.git') left.push(below(folder, name));
        }
      } catch (error) {
        if (folder === '' || !isPassedOver(error)) throw error;
        this.forget(folder);
      }
    }
    if (signal.aborted) this.close();
  }

  #watch(folder: string): void {
    const watcher = watch(this.at(folder), { encoding: 'buffer' }, (kind, name) =>
      this.#heard(folder, kind, name?.toString('latin1') ?? ''),
    );
    watcher.on('error', this.#failed);
    this.#watchers.set(folder, watcher);
  }

  /** Ends the watch of a folder and of those below it; nothing happens where there is none. */
  forget(path: string): void {
    if (!this.#watchers.has(path)) return;
    for (const [folder, watcher] of this.#watchers)
      if (path === '' || folder === path || folder.startsWith(`${path}/`)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
  }

  close(): void {
    this.forget('');
  }
}
