import { accessSync, constants, lstatSync, type Stats } from 'node:fs';
import type { Changes } from '../git/changes.ts';
import { formatBytes } from '../mirror/account.ts';

/** A file that is left out of commits, and why. */
export interface LeftOut {
  /** latin1. */
  path: string;
  why: string;
}

/** Which changes belong into a commit now. */
export interface Picked {
  paths: string[];
  /** They are being written; the next look takes them. */
  growing: string[];
  leftOut: LeftOut[];
}

/** What decides. */
export interface PickOptions {
  /** The top of the work tree. */
  top: string;
  delayMs: number;
  /** In bytes. */
  sizeLimit: number;
  /** Milliseconds since the epoch. */
  now: number;
}

function look(file: Buffer): Stats | null {
  try {
    return lstatSync(file);
  } catch {
    return null;
  }
}

function isReadable(file: Buffer): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Takes out what is still being written, is too large, or is no file; paths are latin1. */
export function pickChanges({ files, nested }: Changes, options: PickOptions): Picked {
  const { top, delayMs, sizeLimit, now } = options;
  const picked: Picked = { paths: [], growing: [], leftOut: [] };
  for (const path of nested) picked.leftOut.push({ path, why: 'is a repository of its own' });
  for (const path of files) {
    const file = Buffer.concat([Buffer.from(`${top}/`), Buffer.from(path, 'latin1')]);
    const stats = look(file);
    // Gone, a link, or a folder that stands where a file was: git knows what to do with these.
    if (stats === null || stats.isSymbolicLink() || stats.isDirectory()) {
      picked.paths.push(path);
      continue;
    }
    const age = now - stats.mtimeMs;
    if (!stats.isFile()) picked.leftOut.push({ path, why: 'is neither a file nor a link' });
    else if (stats.size > sizeLimit)
      picked.leftOut.push({ path, why: `is larger than ${formatBytes(sizeLimit).replace('.0 ', ' ')}` });
    else if (age >= 0 && age < delayMs) picked.growing.push(path);
    else if (!isReadable(file)) picked.leftOut.push({ path, why: 'cannot be read' });
    else picked.paths.push(path);
  }
  return picked;
}
