import { readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type HookEntry, readEntry, sameEntry, writeWhole } from './hook-entry.ts';
import { KEPT_FOLDER } from './hook-folder.ts';
import { DRAFT } from './hook-record.ts';
import { isSealed, sealHook } from './hook-seal.ts';
import { formerHook, type HooksUnderChange, hookLinked, keepHook, putBack, setAside } from './kept-hook.ts';

const MODE = 0o755;

/** A hook of gam's with this text, as it stands in a folder of hooks. */
export function ownHook(text: string): HookEntry {
  return { kind: 'file', mode: MODE, content: sealHook(text) };
}

/** What gam puts in the place of a link to a hook in whose place its own stands: it leads to the former ones, and by them to that hook. */
export function detour(name: string): HookEntry {
  return { kind: 'link', target: `${KEPT_FOLDER}/${name}` };
}

/** Whether what stands under a name is gam's, of any version and mode. */
export function isOwnHook(name: string, entry: HookEntry): boolean {
  return entry.kind === 'file' ? isSealed(entry.content) : sameEntry(entry, detour(name));
}

/** All files and links in a folder of hooks that can be read, by name. */
async function entriesOf(path: string): Promise<Map<string, HookEntry>> {
  const entries = new Map<string, HookEntry>();
  for (const name of await readdir(path)) {
    const entry = await readEntry(join(path, name)).catch(() => null);
    if (entry !== null) entries.set(name, entry);
  }
  return entries;
}

/** The names under which something of gam's stands in a folder. */
export async function ownHooks(path: string): Promise<string[]> {
  const entries = await entriesOf(path);
  return [...entries].flatMap(([name, entry]) => (isOwnHook(name, entry) ? [name] : []));
}

/** Adds the links that lead to hooks of these names, or did so before a detour, to the names of gam's. */
export async function addDetours(folder: HooksUnderChange): Promise<void> {
  const links = new Map<string, string>();
  for (const [name, entry] of await entriesOf(folder.path)) {
    const former = isOwnHook(name, entry) ? await formerHook(folder, name) : entry;
    if (former?.kind === 'link') links.set(name, former.target);
  }
  // One may lead to another.
  for (let size = -1; size < folder.names.size; ) {
    size = folder.names.size;
    for (const [name, target] of links)
      if ((await hookLinked(folder, target)) !== null) folder.names.add(name);
  }
}

/**
 * Keeps what stands where a hook of gam's is to stand; it stays there, too.
 * @returns where a former hook was set aside, if one was
 */
export async function keepFormer(folder: HooksUnderChange, name: string): Promise<string[]> {
  const [there, former] = await Promise.all([readEntry(join(folder.path, name)), formerHook(folder, name)]);
  if (there === null || isOwnHook(name, there) || (former !== null && sameEntry(there, former))) return [];
  const aside = former === null ? [] : [await setAside(folder, name, former)];
  await keepHook(folder, name, there);
  return aside;
}

/** Puts something of gam's in its place; what stands there must be kept. */
export async function placeOwnHook(folder: HooksUnderChange, name: string, ours: HookEntry): Promise<void> {
  const path = join(folder.path, name);
  const there = await readEntry(path);
  if (there !== null && sameEntry(there, ours)) return;
  const draft = join(folder.kept, DRAFT);
  await rm(draft, { force: true });
  if (ours.kind === 'link') await symlink(ours.target, draft);
  else await writeWhole(draft, ours.content, ours.mode);
  await rename(draft, path);
}

/**
 * Takes a hook of gam's away, and puts back what stood there before, unless somebody has replaced it since.
 * @returns where a former hook was set aside, if one was
 */
export async function removeOwnHook(folder: HooksUnderChange, name: string): Promise<string[]> {
  const path = join(folder.path, name);
  const [there, former] = await Promise.all([readEntry(path), formerHook(folder, name)]);
  if (there === null || isOwnHook(name, there)) {
    if (former === null) await rm(path, { force: true });
    else await putBack(folder, name, former);
    return [];
  }
  return former === null || sameEntry(there, former) ? [] : [await setAside(folder, name, former)];
}
