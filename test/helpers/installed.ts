import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where daemons are that no user's PATH leads to. */
const FOR_SERVERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin'];

/** Whether a file can be run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program that this machine has, on the PATH or where daemons are; null where it has none. */
export function installed(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...FOR_SERVERS];
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}
