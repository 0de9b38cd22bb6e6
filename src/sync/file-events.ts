import { FolderEvents } from './folder-events.ts';
import type { FileEvents } from './heard.ts';
import { watchWhole } from './whole-events.ts';

/**
 * Watches a folder until the returned function is called. What is called `.git`, at any depth, is not told of.
 *
 * Where the folder itself has gone, that is told by lost(), and nothing after it: watch it again when it is back. Not told is
 * that a folder above it was moved, what another machine writes on a network file system, and what is written through
 * a mapping of memory (inotify(7), limitations). A name that is not UTF-8 is told with U+FFFD in it.
 *
 * @throws GamError `not-watched` where the system does not watch it, for instance for inotify's limits
 */
export async function watchFiles(top: string, events: FileEvents): Promise<() => Promise<void>> {
  return process.platform === 'linux' ? FolderEvents.watch(top, events) : watchWhole(top, events);
}
