import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Environment } from '../git/environment.ts';
import { type Measure, type Observation, observe } from '../mirror/measure.ts';
import { measureKeys } from '../mirror/measure-key.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Known } from '../mirror/rank.ts';
import { parseMeasure } from '../mirror/stored-measure.ts';
import { measuresFile } from './folder.ts';
import { replaceLocked } from './lock.ts';
import { networkId } from './network.ts';
import { readOwnFile } from './own-file.ts';

/** More places are not remembered; those that were told of longest ago go. */
const MOST_MEASURES = 500;

/** A file that is larger was not written here: 500 measures take 400 KiB at most. */
const LARGEST = 1024 ** 2;

/** How long others' writing may hold up the end of a fetch, all in all, in milliseconds. */
const PATIENCE = 100;

/** One thing that was seen of the place at a URL. */
export interface Note {
  url: string;
  seen: Observation;
}

function readAll(file: string): Map<string, Measure> {
  const measures = new Map<string, Measure>();
  try {
    const content = JSON.parse(readOwnFile(file, LARGEST)?.text ?? '') as { measures?: unknown };
    for (const [key, value] of Object.entries(content.measures ?? {})) {
      const measure = parseMeasure(value);
      if (measure !== null) measures.set(key, measure);
    }
  } catch {
    // Not there, not readable, not ours, or cut: as if nothing were remembered.
  }
  return measures;
}

function write(measures: ReadonlyMap<string, Measure>): string {
  const latest = [...measures].sort(([, a], [, b]) => b.at - a.at).slice(0, MOST_MEASURES);
  const lines = latest.map(([key, measure]) => `${JSON.stringify(key)}:${JSON.stringify(measure)}`);
  return `{"version":1,"measures":{\n${lines.join(',\n')}\n}}\n`;
}

/**
 * Reads what transfers have shown of mirrors, in the network that this machine is in. Nothing is known of any where
 * there is no file, or one that is damaged or not the user's.
 */
export function recall(env: Environment): (place: Pick<Mirror, 'url' | 'refusal'>) => Known {
  const file = measuresFile(env);
  const measures = file === null ? new Map<string, Measure>() : readAll(file);
  const network = measures.size === 0 ? '' : networkId();
  const at = (key: string | null) => (key === null ? null : (measures.get(`${network} ${key}`) ?? null));
  return ({ url, refusal }) => {
    if (refusal !== null) return { own: null, line: null };
    const { own, line } = measureKeys(url);
    return { own: at(own), line: at(line) };
  };
}

// What the line to a host is like is seen with every repository there; what a mirror has is its own affair.
function keysFor({ url, seen }: Note): string[] {
  const { own, line } = measureKeys(url);
  const shared = line !== null && line !== own && (seen.kind === 'greeting' || seen.kind === 'pack');
  return shared ? [own, line] : [own];
}

/**
 * Adds to what is remembered, under a lock, on top of what others have written meanwhile.
 * @returns false when it was given up: there is no home, it cannot be written, or others held the lock
 */
export async function remember(notes: readonly Note[], env: Environment): Promise<boolean> {
  const file = measuresFile(env);
  if (file === null || notes.length === 0) return false;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return await replaceLocked(file, PATIENCE, () => {
      const measures = readAll(file);
      const network = networkId();
      const now = Date.now();
      for (const note of notes) {
        for (const key of keysFor(note).map((one) => `${network} ${one}`))
          measures.set(key, observe(measures.get(key) ?? null, note.seen, now));
      }
      return write(measures);
    });
  } catch {
    return false;
  }
}
