import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** A small file as it was found. */
export interface OwnFile {
  text: string;
  /** When it was written, in milliseconds since the epoch. */
  written: number;
}

/**
 * Reads a small file in one go, and only a plain one of the user's own: a FIFO would wait for ever, and what another user
 * has put there could lead to a mirror of his choice.
 *
 * @param largest the most bytes that it may have
 * @returns null for any other
 * @throws Error of the file system
 */
export function readOwnFile(file: string, largest: number): OwnFile | null {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    const mine = process.getuid === undefined || found.uid === process.getuid();
    if (!mine || !found.isFile() || found.size > largest) return null;
    return { text: readFileSync(fd, 'utf8'), written: found.mtimeMs };
  } finally {
    closeSync(fd);
  }
}
