import { isAbsolute, resolve } from 'node:path';
import type { ConfigEntry } from '../config/entries.ts';
import { parseDuration, parseSize } from '../config/quantity.ts';
import { printable } from '../protocol/text.ts';
import type { SyncPolicy } from './exchange.ts';

/** How a folder is watched. */
export interface WatchedFolder {
  /** Absolute. */
  dir: string;
  /** null: as `gam sync` chooses. */
  remote: string | null;
  /** null: the one that is checked out. */
  branch: string | null;
  /** For so long nothing may change before a commit is made, in milliseconds. */
  delayMs: number;
  /** See writeMessage(). */
  message: string;
  onConflict: SyncPolicy;
  /** Patterns as in gitignore(5), beside those that git knows. */
  ignore: string[];
  /** Larger files are not committed, in bytes. */
  sizeLimit: number;
}

/** What holds where the list says nothing. */
export const DEFAULTS: Omit<WatchedFolder, 'dir'> = {
  remote: null,
  branch: null,
  delayMs: 500,
  message: '{names} ({host})',
  onConflict: 'keep-both',
  ignore: [],
  sizeLimit: 100 * 1024 ** 2,
};

/** Sizes and durations that make sense: less would commit files while they are written, more would never end. */
const SHORTEST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 3_600_000;

const POLICIES: ReadonlySet<string> = new Set(['stop', 'keep-both', 'ours', 'theirs']);

/** What a variable of a folder says, or in words what it ought to be where it cannot be read. */
type Reader = (value: string) => Partial<WatchedFolder> | string;

// A map: by hand anything may be written, also the name of what every object has.
const READERS: ReadonlyMap<string, Reader> = new Map(
  Object.entries<Reader>({
    remote: (value) => (value === '' ? 'the name of a remote' : { remote: value }),
    branch: (value) => (value === '' ? 'the name of a branch' : { branch: value }),
    message: (value) => (value.trim() === '' ? 'a text' : { message: value }),
    delay: (value) => {
      const delayMs = parseDuration(value);
      const isFit = delayMs !== undefined && delayMs >= SHORTEST_DELAY_MS && delayMs <= LONGEST_DELAY_MS;
      return isFit ? { delayMs } : `a time from ${SHORTEST_DELAY_MS}ms to ${LONGEST_DELAY_MS / 60_000}m`;
    },
    onconflict: (value) =>
      POLICIES.has(value) ? { onConflict: value as SyncPolicy } : `one of ${[...POLICIES].join(', ')}`,
    sizelimit: (value) => {
      const sizeLimit = parseSize(value);
      return sizeLimit === undefined || sizeLimit === 0 ? 'a size as 500k, 100m or 2g' : { sizeLimit };
    },
  }),
);

/**
 * Whether a value of a folder can be read.
 * @param name of the variable, in lower case
 * @returns in words what is wrong; null where nothing is
 */
export function unfitValue(name: string, value: string): string | null {
  const read = READERS.get(name)?.(value);
  return typeof read === 'string' ? `'${printable(value)}' is not ${read}` : null;
}

/**
 * The watched folders that a configuration names: `[folder "<path>"]` (git-config(1)). What cannot be read of it is told, and for that
 * holds what is preset.
 */
export function readWatchList(entries: readonly ConfigEntry[]): {
  folders: WatchedFolder[];
  warnings: string[];
} {
  const folders = new Map<string, WatchedFolder>();
  const warnings = new Set<string>();
  for (const { section, subsection, name, value } of entries) {
    if (section !== 'folder' || subsection === null) continue;
    const key = `folder.${printable(subsection)}`;
    if (!isAbsolute(subsection)) {
      warnings.add(`${key} is not an absolute path; it is passed over`);
      continue;
    }
    // By hand it may be written with a slash at its end.
    const dir = resolve(subsection);
    const folder = folders.get(dir) ?? { dir, ...DEFAULTS, ignore: [] };
    folders.set(dir, folder);
    if (name === 'watch') continue;
    const read = READERS.get(name)?.(value ?? '');
    if (value === null) warnings.add(`${key}.${name} has no value; it is passed over`);
    else if (name === 'ignore') folder.ignore.push(value);
    else if (read === undefined) warnings.add(`${key}.${name} means nothing to gam; it is passed over`);
    else if (typeof read === 'string')
      warnings.add(`${key}.${name}: ${unfitValue(name, value)}; it is passed over`);
    else Object.assign(folder, read);
  }
  return { folders: [...folders.values()], warnings: [...warnings] };
}
