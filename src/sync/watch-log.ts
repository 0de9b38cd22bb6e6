import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import type { WatchPlaces } from './places.ts';

/** One line of the log. */
export interface LogLine {
  /** RFC 3339, UTC. */
  time: string;
  /** The watched folder; null for the process itself. */
  folder: string | null;
  words: string;
}

/** A log that has grown to so many bytes becomes the former one, whose place it takes: twice as much is the most there ever is. */
const LONGEST = 1024 * 1024;

/** Writes a line. A log that cannot be written, as on a full disk, stops nothing. */
export function writeWatchLog({ log, formerLog }: WatchPlaces, line: LogLine): void {
  try {
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) >= LONGEST) renameSync(log, formerLog);
    appendFileSync(log, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  } catch {
    // Whoever looks sees by the times that lines are missing.
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

// Behind a line that was cut off, as on a full disk, the next one goes on without a line end. What it begins with stands in no JSON string.
const BETWEEN = /\n|(?=\{"time":")/;

/** What a log says; lines that were cut off in the middle are passed over. */
export function parseWatchLog(text: string): LogLine[] {
  return text.split(BETWEEN).flatMap((line) => {
    try {
      const { time, folder, words } = JSON.parse(line) as LogLine;
      const isFit = typeof time === 'string' && typeof words === 'string';
      return isFit && (folder === null || typeof folder === 'string') ? [{ time, folder, words }] : [];
    } catch {
      return [];
    }
  });
}

/** The latest lines, the oldest first. */
export function readWatchLog({ log, formerLog }: WatchPlaces, count: number): LogLine[] {
  const latest = parseWatchLog(read(log));
  return (latest.length >= count ? latest : [...parseWatchLog(read(formerLog)), ...latest]).slice(-count);
}
