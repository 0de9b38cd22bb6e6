import { mkdir } from 'node:fs/promises';
import { GamError } from '../errors.ts';
import { type DaemonOptions, listedFolders } from './daemon.ts';
import { Folder } from './folder.ts';
import { writeWatchLog } from './watch-log.ts';

/**
 * Commits and exchanges every folder of the list once, one after the other.
 *
 * @returns what could not be done, a line for each folder, which was told, too
 * @throws GamError `usage` where the list is empty
 */
export async function syncOnce(options: DaemonOptions, isRehearsal: boolean): Promise<string[]> {
  const { places, env, host, pid, signal, tell } = options;
  const { folders, warnings } = await listedFolders(places, env);
  const time = () => new Date().toISOString();
  for (const words of warnings) tell({ time: time(), folder: null, words });
  if (folders.length === 0)
    throw new GamError('usage', 'no folder is watched', { suggestion: 'gam watch add <dir> adds one' });
  // For the log, where no daemon has ever been at work.
  if (!isRehearsal) await mkdir(places.folder, { recursive: true });
  const failures: string[] = [];
  for (const listed of folders) {
    let isSilent = true;
    const told = (dir: string, words: string) => {
      isSilent = false;
      const line = { time: time(), folder: dir, words };
      if (!isRehearsal) writeWatchLog(places, line);
      tell(line);
    };
    const folder = new Folder(listed, { env, host, pid, signal, tell: told, changed: () => undefined });
    const isDone = await folder.once(isRehearsal);
    const { dir, why, growing } = folder.status;
    if (!isDone) failures.push(`${dir}: ${why ?? 'was not ended'}`);
    // Whoever looks on is not to guess what silence means; the log need not know.
    else if (isSilent)
      tell({
        time: time(),
        folder: dir,
        words: growing === 0 ? 'nothing to do' : 'nothing to do but with what is being written',
      });
  }
  return failures;
}
