import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes room for one more file in a folder of small files, of which none is worth much: those that count no more go first,
 * then those that were written longest ago.
 *
 * @param most so many files it may hold
 * @param lasting for how many milliseconds a file counts
 */
export function makeRoom(folder: string, most: number, lasting: number): void {
  const names = readdirSync(folder);
  if (names.length < most) return;
  const now = Date.now();
  const files = names
    .map((name) => join(folder, name))
    .map((path) => ({ path, written: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.written - a.written);
  const left = files
    .filter(({ written }) => Math.abs(now - written) <= lasting)
    .slice(0, Math.floor(most / 2));
  for (const { path } of files) if (!left.some((one) => one.path === path)) rmSync(path, { force: true });
}
