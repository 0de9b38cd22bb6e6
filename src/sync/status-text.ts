import { formatAge } from '../mirror/account.ts';
import type { Column } from '../mirror/mirror-columns.ts';
import { printable } from '../protocol/text.ts';
import type { FolderStatus } from './folder-status.ts';
import type { WatchStatus } from './status-file.ts';

/** What is told of watched folders: a table, and lines below it. */
export interface WatchText {
  heading: string;
  columns: Column[];
  notes: string[];
}

function ago(time: string | null, now: number): string | null {
  // A clock that was set back makes a time one of the future.
  return time === null ? null : `${formatAge(Math.max(0, (now - Date.parse(time)) / 1000))} ago`;
}

function waits({ ahead, growing, leftOut }: FolderStatus): string {
  const parts = [
    ahead ? 'a push' : '',
    growing > 0 ? `${growing} being written` : '',
    leftOut.length > 0 ? `${leftOut.length} left out` : '',
  ];
  return parts.filter((part) => part !== '').join(', ') || '-';
}

function notesOf({ dir, why, leftOut, kept }: FolderStatus): string[] {
  const name = printable(dir);
  return [
    ...(why === null ? [] : [`${name}: ${why}`]),
    ...leftOut.map((one) => `${name}: ${one.path} ${one.why}: not committed`),
    ...kept.map(({ path, aside }) =>
      aside === null
        ? `${name}: ${path} could not be merged; what the other side made of it is in the history`
        : `${name}: ${path} was changed on both sides; the other version is ${aside}`,
    ),
  ];
}

function headingOf(status: WatchStatus | null, listed: readonly string[]): string {
  if (status !== null)
    return `process ${status.pid} watches, since ${status.started.replace('T', ' ').slice(0, 19)} UTC`;
  if (listed.length === 0) return 'nobody watches, and no folder is on the list: gam watch add <dir>';
  return `nobody watches (${listed.length} on the list): gam watch start`;
}

/**
 * What is told of watched folders.
 * @param status null where nobody watches
 * @param now milliseconds since the epoch
 */
export function watchText(status: WatchStatus | null, listed: readonly string[], now: number): WatchText {
  const folders = status?.folders ?? [];
  // The list was edited by hand, and the process has not read it since.
  const missing = listed
    .filter((dir) => !folders.some((folder) => folder.dir === dir))
    .map((dir) => `${printable(dir)}: on the list, and not watched yet: gam watch stop, gam watch start`);
  const column = (header: string, worth: number, of: (folder: FolderStatus) => string | null): Column => ({
    header,
    worth,
    cells: folders.map(of),
  });
  return {
    heading: headingOf(status, listed),
    columns: [
      column('STATE', 9, ({ state }) => state),
      column('BRANCH', 3, ({ branch, remote }) => (branch === null ? null : `${branch} at ${remote}`)),
      column('COMMIT', 4, ({ lastCommit }) => ago(lastCommit, now)),
      column('SYNC', 5, ({ lastSync }) => ago(lastSync, now)),
      column('WAITS', 6, waits),
      column('FOLDER', 10, ({ dir }) => printable(dir)),
    ],
    notes:
      status === null
        ? listed.map((dir) => `  ${printable(dir)}`)
        : [...folders.flatMap(notesOf), ...missing],
  };
}
