import type { Measure } from '../mirror/measure.ts';
import { parseMeasure } from '../mirror/stored-measure.ts';
import { type Location, parseLocation, writeLocation } from '../protocol/location.ts';
import { readOwnFile } from './own-file.ts';

/** Where a host is, and when that was looked up (milliseconds since 1970). */
export interface KeptPlace {
  at: number;
  location: Location;
}

/** All that is remembered: the content of one file. */
export interface Kept {
  /** By network and name (measureKeys()). */
  measures: Map<string, Measure>;
  /** By host, in whichever network. */
  places: Map<string, KeptPlace>;
  /** Where this machine was when a host was looked up last. */
  here: Location | null;
}

/** More measures, or places, are not remembered; those that were told of longest ago go. */
const MOST = 500;

/** A file that is larger was not written here: 500 measures take 400 KiB at most, 500 places 160 KiB. */
const LARGEST = 1024 ** 2;

/** DNS has no longer names. */
const LONGEST_HOST = 253;

function parsePlace(value: unknown): KeptPlace | null {
  const { at, location: text } = (value ?? {}) as Record<string, unknown>;
  const location = typeof text === 'string' ? parseLocation(text) : null;
  return location !== null && typeof at === 'number' && at >= 0 ? { at, location } : null;
}

// One entry that is damaged does not take the others with it.
function entries<T>(all: unknown, parse: (value: unknown) => T | null): Map<string, T> {
  const pairs = typeof all === 'object' ? Object.entries(all ?? {}) : [];
  const parsed = pairs.map(([key, value]) => [key, parse(value)] as const);
  return new Map(parsed.filter((pair): pair is [string, T] => pair[1] !== null));
}

/** Reads what is remembered. Nothing is where there is no file, or one that is damaged or not the user's. */
export function readKept(file: string): Kept {
  let content: Record<string, unknown> = {};
  try {
    content = (JSON.parse(readOwnFile(file, LARGEST)?.text ?? '') ?? {}) as typeof content;
  } catch {
    // Not there, not readable, not ours, or cut: as if nothing were remembered.
  }
  const { measures, places, here } = content;
  return {
    measures: entries(measures, parseMeasure),
    places: entries(places, parsePlace),
    here: typeof here === 'string' ? parseLocation(here) : null,
  };
}

function latest<T extends { at: number }>(all: ReadonlyMap<string, T>, write: (value: T) => unknown): string {
  const newest = [...all].sort(([, a], [, b]) => b.at - a.at).slice(0, MOST);
  const lines = newest.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(write(value))}`);
  return `{\n${lines.join(',\n')}\n}`;
}

/** The content of the file, one measure or place a line. */
export function writeKept({ measures, places, here }: Kept): string {
  const short = new Map([...places].filter(([host]) => host.length <= LONGEST_HOST));
  const located = latest(short, ({ at, location }) => ({ at, location: writeLocation(location) }));
  const where = JSON.stringify(here && writeLocation(here));
  return `{"version":1,"measures":${latest(measures, (measure) => measure)},"here":${where},"places":${located}}\n`;
}
