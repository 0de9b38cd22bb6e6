import { allValues, type ConfigEntry, lastValue, parseBoolean } from '../config/entries.ts';
import type { Environment } from './environment.ts';
import { ALLOCATION_LIMIT } from './fetch-pack.ts';
import { type Started, startProcess } from './process.ts';

/** How index-pack is to behave. */
export interface IndexPackOptions {
  env: Environment;
  /** A file descriptor that stands at the first byte of the pack; or else it is written to the process. */
  pack: number | 'pipe';
  entries: readonly ConfigEntry[];
  progress: boolean;
  signal: AbortSignal;
}

// As fetch-pack.c asks for it: fetch.fsckObjects, else transfer.fsckObjects, and what fetch.fsck.* makes of each fault.
function strictness(entries: readonly ConfigEntry[]): string[] {
  const wish =
    lastValue(entries, 'fetch', null, 'fsckobjects') ?? lastValue(entries, 'transfer', null, 'fsckobjects');
  if (parseBoolean(wish ?? 'false') !== true) return [];
  const faults = entries.filter((e) => e.section === 'fetch' && e.subsection === 'fsck');
  const names = [...new Set(faults.map(({ name }) => name))];
  const words = names.map((name) => `${name}=${allValues(entries, 'fetch', 'fsck', name).at(-1)}`);
  return [words.length === 0 ? '--strict' : `--strict=${words.join(',')}`];
}

/**
 * Starts `git index-pack` on a pack (git-index-pack(1)), thin or not, into the object folder of the
 * environment. It prints `pack`, a tab and the checksum; its status is 0 when the pack has all that its objects lead to, 1 when
 * it is sound but builds on others, and something else when it is no good.
 */
export function startIndexPack({ env, pack, entries, progress, signal }: IndexPackOptions): Started {
  const args = ['index-pack', '--stdin', '--fix-thin', '--check-self-contained-and-connected'];
  if (progress) args.push('-v');
  return startProcess('git', [...args, ...strictness(entries)], {
    env: { ...env, GIT_ALLOC_LIMIT: ALLOCATION_LIMIT },
    stdio: [pack, 'pipe', 'pipe'],
    signal,
  });
}
