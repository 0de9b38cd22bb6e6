import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, sep } from 'node:path';
import type { FileEvents } from './heard.ts';
import { notWatched } from './not-watched.ts';

/**
 * Events where the system watches a folder with all below it: FSEvents of macOS, ReadDirectoryChangesW of Windows.
 * @throws GamError `not-watched`
 */
export async function watchWhole(top: string, events: FileEvents): Promise<() => Promise<void>> {
  let isClosed = false;
  const lost = (error: unknown) => {
    if (!isClosed) events.lost(notWatched(top, error).message);
  };
  try {
    await stat(top);
    const watcher = watch(top, { recursive: true }, (kind, name) => {
      if (name === null) {
        events.lost('the system tells that something changed, but not what');
        return;
      }
      const parts = name.split(sep);
      if (parts.includes('.git')) return;
      events.changed([parts.join('/')]);
      // It may be the folder itself that has gone.
      if (kind === 'rename' && parts.at(-1) === basename(top)) stat(top).catch(lost);
    });
    watcher.on('error', lost);
    return () => {
      isClosed = true;
      watcher.close();
      return Promise.resolve();
    };
  } catch (error) {
    throw notWatched(top, error);
  }
}
