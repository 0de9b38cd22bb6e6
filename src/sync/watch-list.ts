import { isAbsolute } from 'node:path';
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

/** What each variable of a folder says, or null where it cannot be read. */
const READERS: Readonly<Record<string, (value: string) => Partial<WatchedFolder> | null>> = {
  remote: (value) => (value === '' ? null : { remote: value }),
  branch: (value) => (value === '' ? null : { branch: value }),
  message: (value) => (value.trim() === '' ? null : { message: value }),
  delay: (value) => {
    const delayMs = parseDuration(value);
    const isFit = delayMs !== undefined && delayMs >= SHORTEST_DELAY_MS && delayMs <= LONGEST_DELAY_MS;
    return isFit ? { delayMs } : null;
  },
  onconflict: (value) => (POLICIES.has(value) ? { onConflict: value as SyncPolicy } : null),
  sizelimit: (value) => {
    const sizeLimit = parseSize(value);
    return sizeLimit === undefined ? null : { sizeLimit };
  },
};

/** The watched folders that a configuration names: `[folder "<path>"]` (git-config(1)), and what cannot be read of it. */
export function readWatchList(entries: readonly ConfigEntry[]): {
  folders: WatchedFolder[];
  warnings: string[];
} {
  const folders = new Map<string, WatchedFolder>();
  const warnings: string[] = [];
  for (const { section, subsection, name, value } of entries) {
    if (section !== 'folder' || subsection === null) continue;
    if (!isAbsolute(subsection)) {
      warnings.push(`folder.${printable(subsection)} is no absolute path; it is passed over`);
      continue;
    }
    const folder = folders.get(subsection) ?? { dir: subsection, ...DEFAULTS, ignore: [] };
    folders.set(subsection, folder);
    const text = value ?? 'true';
    if (name === 'ignore') folder.ignore.push(text);
    if (name === 'ignore' || name === 'watch') continue;
    const read = READERS[name]?.(text) ?? null;
    if (read === null)
      warnings.push(`folder.${printable(subsection)}.${name} cannot be read: ${printable(text)}`);
    else Object.assign(folder, read);
  }
  return { folders: [...folders.values()], warnings };
}
