import { mkdir } from 'node:fs/promises';
import { GamError } from '../errors.ts';
import { type DaemonOptions, listedFolders } from './daemon.ts';
import { Folder } from './folder.ts';
import { writeWatchLog } from './watch-log.ts';

/**
 * Commits and exchanges every folder of the list once, one after the other.
 *
 * @returns whether everything could be done
 * @throws GamError `usage` where the list is empty
 */
export async function syncOnce(options: DaemonOptions, isRehearsal: boolean): Promise<boolean> {
  const { places, env, host, pid, signal, tell } = options;
  const { folders, warnings } = await listedFolders(places, env);
  const time = () => new Date().toISOString();
  for (const words of warnings) tell({ time: time(), folder: null, words });
  if (folders.length === 0)
    throw new GamError('usage', 'no folder is watched', { suggestion: 'gam watch add <dir> adds one' });
  // For the log, where no daemon has ever been at work.
  if (!isRehearsal) await mkdir(places.folder, { recursive: true });
  let isDone = true;
  for (const listed of folders) {
    const told = (dir: string, words: string) => {
      const line = { time: time(), folder: dir, words };
      if (!isRehearsal) writeWatchLog(places, line);
      tell(line);
    };
    const folder = new Folder(listed, { env, host, pid, signal, tell: told, changed: () => undefined });
    if (!(await folder.once(isRehearsal))) isDone = false;
  }
  return isDone;
}
