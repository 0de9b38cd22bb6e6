import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAlive } from '../git/alive.ts';
import type { FolderStatus } from './folder-status.ts';
import type { WatchPlaces } from './places.ts';

/** What the process that watches says of itself, for `gam watch status`. */
export interface WatchStatus {
  /** processName() of it. */
  process: string;
  pid: number;
  /** RFC 3339, UTC. */
  started: string;
  folders: FolderStatus[];
}

/** So many bytes more than it needs are kept for each folder: the reason why it is not in step takes half of that at most. */
const SPARE = 1024;

// Where the disk is full that the home is on, "in step" would be told of a folder that cannot be committed. Bytes that a file has
// already can be written without room, and all of them at once; blanks behind JSON are no part of it (RFC 8259, section 2).
function overwrite(file: string, text: string): void {
  const bytes = Buffer.from(text);
  const { size } = statSync(file);
  if (bytes.length > size) return;
  const opened = openSync(file, 'r+');
  try {
    writeSync(opened, Buffer.concat([bytes, Buffer.alloc(size - bytes.length, ' ')]));
  } finally {
    closeSync(opened);
  }
}

/** Writes it anew, so that nobody reads half of it; on a full disk over what is there, if there is enough. */
export function writeWatchStatus({ status: file }: WatchPlaces, status: WatchStatus): void {
  const text = JSON.stringify(status);
  const draft = `${file}.new`;
  try {
    writeFileSync(draft, `${text}${' '.repeat(SPARE * status.folders.length)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    try {
      rmSync(draft, { force: true });
      overwrite(file, text);
    } catch {
      // The next change writes it.
    }
  }
}

/** What the process that watches says; null where none is at work. */
export async function readWatchStatus({ lock, status }: WatchPlaces): Promise<WatchStatus | null> {
  const owner = await readFile(lock, 'utf8').catch(() => null);
  if (owner === null || isAlive(owner) === false) return null;
  try {
    const said = JSON.parse(await readFile(status, 'utf8')) as WatchStatus;
    return said.process === owner ? said : null;
  } catch {
    return null;
  }
}
