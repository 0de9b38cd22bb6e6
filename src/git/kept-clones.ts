import { readdir, rm, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isAlive } from './alive.ts';
import type { Environment } from './environment.ts';
import { readRecord } from './kept-record.ts';

/** What nobody has come back for in this time is removed. */
const STALE_MS = 7 * 24 * 3600 * 1000;

/** A clone of another host that has not kept a part for so long is not at work any more; as with quarantines. */
const FOREIGN_MS = 2 * 24 * 3600 * 1000;

/** The record is written last: a folder without one may be that of a clone that is just keeping its first part. */
const UNWRITTEN_MS = 3600 * 1000;

/** A clone that broke off, or is at work, as a user is told of it. The URL is not known: a hash of it is the folder's name. */
export interface KeptAside {
  folder: string;
  /** What its files take, be they of use or not. */
  bytes: number;
  /** Seconds since something was added to it. */
  age: number;
  /** A `gam clone` works with it, or may do so. */
  inUse: boolean;
}

/** `$XDG_CACHE_HOME/gam/clones`, or under `~/.cache`; null without a home. */
export function keptClonesFolder(env: Environment): string | null {
  const absolute = (path: string | undefined) => (path !== undefined && isAbsolute(path) ? path : null);
  const home = absolute(env['HOME']);
  const cache = absolute(env['XDG_CACHE_HOME']) ?? (home && join(home, '.cache'));
  return cache && join(cache, 'gam/clones');
}

/** All that is kept of clones, the latest first; nothing is changed. */
export async function listKept(env: Environment): Promise<KeptAside[]> {
  const root = keptClonesFolder(env);
  const found = await Promise.all((root === null ? [] : await foldersIn(root)).map(look));
  return found.filter((one) => one !== null).sort((a, b) => a.age - b.age);
}

/** Those for which nobody has come back in a week: the next `gam clone`, of whatever URL, removes them. */
export function staleOf(kept: readonly KeptAside[]): KeptAside[] {
  return kept.filter(({ age, inUse }) => !inUse && 1000 * age > STALE_MS);
}

/**
 * Removes what is kept of clones, but for what a `gam clone` works with. One that takes it up in this very moment finds it
 * gone or incomplete, and begins anew.
 *
 * @returns what was removed, and what stays
 */
export async function dropKept(env: Environment): Promise<{ dropped: KeptAside[]; inUse: KeptAside[] }> {
  const kept = await listKept(env);
  const dropped = kept.filter((one) => !one.inUse);
  for (const { folder } of dropped) await rm(folder, { recursive: true, force: true });
  return { dropped, inUse: kept.filter((one) => one.inUse) };
}

/**
 * Removes what one `gam clone` has kept, submodules included, and what nobody came back for.
 *
 * @param owner the command; null to remove only the latter
 */
export async function removeKept(root: string, owner: string | null): Promise<void> {
  for (const folder of await foldersIn(root)) {
    const record = readRecord(folder);
    const own = record !== null && record.owner === owner;
    const left = record === null || isAlive(record.owner) !== true;
    const age = await stat(folder).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (own || (left && age > STALE_MS)) await rm(folder, { recursive: true, force: true });
  }
}

/** How many bytes one `gam clone` has kept. */
export async function bytesKept(root: string, owner: string): Promise<number> {
  const records = (await foldersIn(root)).map(readRecord);
  return records.reduce((sum, record) => sum + (record?.owner === owner ? record.bytes : 0), 0);
}

// Whatever else lies there is not gam's to count, or to remove.
async function foldersIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && /^[0-9a-f]{32}$/.test(entry.name));
  return folders.map(({ name }) => join(root, name));
}

/** Null when it has gone meanwhile. */
async function look(folder: string): Promise<KeptAside | null> {
  try {
    const ms = Date.now() - (await stat(folder)).mtimeMs;
    const names = await readdir(folder);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return { folder, bytes, age: Math.max(0, Math.round(ms / 1000)), inUse: isInUse(folder, ms) };
  } catch {
    return null;
  }
}

function isInUse(folder: string, ms: number): boolean {
  const record = readRecord(folder);
  return record === null ? ms < UNWRITTEN_MS : (isAlive(record.owner) ?? ms < FOREIGN_MS);
}
