import { appendFileSync, renameSync, statSync } from 'node:fs';
import { printable } from '../protocol/text.ts';
import type { Places } from './places.ts';

/** A log that has grown to so many bytes becomes the former one, whose place it takes: twice as much is the most there ever is. */
const LONGEST = 256 * 1024;

/** Longer lines are cut: git's words may hold a server's. */
const WIDEST = 1000;

/**
 * Writes a line into a member's log, with the time (RFC 3339, UTC). A log that cannot be written, as on a full disk, stops nothing.
 */
export function writeLog({ log, formerLog }: Places, line: string): void {
  try {
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) >= LONGEST) renameSync(log, formerLog);
    appendFileSync(log, `${new Date().toISOString()} ${printable(line, WIDEST)}\n`);
  } catch {
    // Whoever looks sees by the times that lines are missing.
  }
}
