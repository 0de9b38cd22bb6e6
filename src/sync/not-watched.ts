import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

// What inotify says where a limit of the user's is reached: inotify_add_watch(2) and inotify_init(2).
const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: 'fs.inotify.max_user_watches',
  EMFILE: 'fs.inotify.max_user_instances',
};

/** How the system's error is told where it does not watch a folder, or not all of it. */
export function notWatched(top: string, error: unknown): GamError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const limit = LIMITS[code];
  const why = limit === undefined ? message : `the system watches no more for this user (${limit})`;
  const suggestion =
    limit === undefined
      ? 'see that the folder is there and can be read'
      : `see sysctl ${limit}, and let the administrator raise it`;
  return new GamError('not-watched', `${printable(top)} is not watched: ${printable(why)}`, {
    suggestion,
    cause: error,
  });
}
