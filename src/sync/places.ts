import { join } from 'node:path';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { gamFolder } from '../git/user-config.ts';
import { stateFolder } from '../state/folder.ts';

/** Where `gam watch` keeps what it needs. */
export interface WatchPlaces {
  /** The list of watched folders, in the format of git's configuration. */
  list: string;
  /** Everything else is in this folder. */
  folder: string;
  /** Held by the process that watches. */
  lock: string;
  /** What that process says of itself. */
  status: string;
  /** What it did, a JSON document a line; and how that went on before, when it had grown large. */
  log: string;
  formerLog: string;
}

/**
 * `$XDG_CONFIG_HOME/gam/watch`, and `$XDG_STATE_HOME/gam/watch/`.
 * @throws GamError `usage` without a home
 */
export function watchPlaces(env: Environment): WatchPlaces {
  const state = stateFolder(env);
  if (state === null)
    throw new GamError('usage', 'neither HOME nor XDG_STATE_HOME is set', { suggestion: 'set HOME' });
  const folder = join(state, 'watch');
  return {
    list: join(gamFolder(env), 'watch'),
    folder,
    lock: join(folder, 'lock'),
    status: join(folder, 'status.json'),
    log: join(folder, 'log'),
    formerLog: join(folder, 'log.1'),
  };
}
