import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readEntry, sameEntry } from './hook-entry.ts';
import {
  findHookFolder,
  type HookFolder,
  KEPT_FOLDER,
  makeHookFolder,
  makeKeptFolder,
  unmakeHookFolder,
  withHookLock,
} from './hook-folder.ts';
import { linkNeighbours } from './hook-neighbours.ts';
import { readHookRecord, writeHookRecord } from './hook-record.ts';
import { formerHooks, type HooksUnderChange, linksFirst } from './kept-hook.ts';
import {
  addDetours,
  detour,
  isOwnHook,
  keepFormer,
  ownHook,
  ownHooks,
  placeOwnHook,
  removeOwnHook,
} from './own-hook.ts';
import type { RunOptions } from './run.ts';

/** What was done to a folder of hooks. */
export interface HookChange {
  /** The folder. */
  path: string;
  /** Former hooks that an administrator has replaced since: where they lie now. Nothing runs them. */
  setAside: string[];
  /** Other repositories that have gam's hooks from the same folder. */
  sharedWith: string[];
}

/**
 * How a hook of gam's stands: as it should; of another version or not complete, which installing it again mends; something that an
 * administrator has put in its place; or nothing.
 */
export type HookState = 'installed' | 'outdated' | 'replaced' | 'missing';

/** Where the former hooks go, at one stroke, before they are removed: a hook of gam's that runs meanwhile sees all of them or none. */
const REMOVED = `${KEPT_FOLDER}.removed`;

async function underChange(folder: HookFolder, names: Iterable<string>): Promise<HooksUnderChange> {
  const record = await readHookRecord(folder.kept);
  // A repository that is gone, or has moved, does not keep gam's hooks for others.
  record.users = record.users.filter((user) => user !== folder.repository && existsSync(join(user, 'HEAD')));
  return { ...folder, names: new Set(names), record };
}

/**
 * Installs hooks in a repository, each in the place of the one that stands there, which is kept in the folder `before-gam` under the same name; to
 * run it is for the new one. Whoever is killed on the way leaves the former hook in its place, or one of gam's beside which it is kept; doing it again
 * does the rest.
 *
 * Where hooks of gam's are there, of whatever version, they alone are replaced, and those that are not among the scripts are removed. What
 * somebody has put in their place since becomes the former hook: it mostly is a newer version of it, as when a forge has written its hooks again, and
 * must not run twice. The one before that is set aside.
 *
 * @param gitDir the repository's git folder
 * @param scripts texts of hooks by name, the last line of each ended
 * @throws GamError `not-a-repository`, and `bad-hooks` where the folder cannot be written to or something in it cannot be read, before anything
 *   is changed
 */
export async function installHooks(
  gitDir: string,
  scripts: ReadonlyMap<string, string>,
  options: RunOptions = {},
): Promise<HookChange> {
  const found = await findHookFolder(gitDir, options);
  for (const name of scripts.keys()) await readEntry(join(found.path, name));
  const made = await makeHookFolder(found);
  return withHookLock(found, async () => {
    const folder = await underChange(found, scripts.keys());
    await makeKeptFolder(folder);
    await formerHooks(folder);
    await rm(join(folder.path, REMOVED), { recursive: true, force: true });
    const sharedWith = [...folder.record.users];
    folder.record.users.push(folder.repository);
    folder.record.made ??= made;
    await writeHookRecord(folder.kept, folder.record);
    await addDetours(folder);
    const aside: string[] = [];
    for (const name of (await ownHooks(folder.path)).filter((one) => !folder.names.has(one))) {
      aside.push(...(await removeOwnHook(folder, name)));
      await rm(join(folder.kept, name), { force: true });
    }
    await linkNeighbours(folder);
    for (const name of folder.names) aside.push(...(await keepFormer(folder, name)));
    // All are kept by now, as one may lead to another.
    const inOrder = await linksFirst(folder, await formerHooks(folder));
    for (const name of new Set([...inOrder, ...folder.names])) {
      const text = scripts.get(name);
      if (text !== undefined) await placeOwnHook(folder, name, ownHook(text));
      else if (folder.names.has(name)) await placeOwnHook(folder, name, detour(name));
    }
    return { path: folder.path, setAside: aside, sharedWith };
  });
}

/**
 * Removes gam's hooks from a repository: what stood there before stands there again, with its bytes, mode or link, and nothing where there was
 * nothing. What somebody has put in their place since stays; the hook from before is then set aside. Where other repositories have the same
 * folder of hooks, gam's stay for them.
 *
 * @throws GamError as installHooks() does
 */
export async function removeHooks(gitDir: string, options: RunOptions = {}): Promise<HookChange> {
  const found = await findHookFolder(gitDir, options);
  const removed = join(found.path, REMOVED);
  const nothing = { path: found.path, setAside: [], sharedWith: [] };
  if (!existsSync(found.path)) return nothing;
  const isThere = (await readdir(found.path)).some((name) => name.startsWith(KEPT_FOLDER));
  if (!isThere && (await ownHooks(found.path)).length === 0) return nothing;
  const { change, made } = await withHookLock(found, async () => {
    const ours = await ownHooks(found.path);
    const folder = await underChange(found, ours);
    const sharedWith = folder.record.users;
    if (sharedWith.length > 0) {
      await writeHookRecord(folder.kept, folder.record);
      return { change: { ...nothing, sharedWith }, made: null };
    }
    await rm(removed, { recursive: true, force: true });
    const aside: string[] = [];
    await makeKeptFolder(folder);
    const former = await formerHooks(folder);
    const inOrder = (await linksFirst(folder, former)).toReversed();
    for (const name of new Set([...inOrder, ...ours])) aside.push(...(await removeOwnHook(folder, name)));
    await rename(folder.kept, removed);
    await rm(removed, { recursive: true, force: true });
    return { change: { ...nothing, setAside: aside }, made: folder.record.made };
  });
  if (made !== null) await unmakeHookFolder(found, made);
  return change;
}

/**
 * How gam's hooks stand in a repository; see HookState.
 * @throws GamError as installHooks() does
 */
export async function inspectHooks(
  gitDir: string,
  scripts: ReadonlyMap<string, string>,
  options: RunOptions = {},
): Promise<Map<string, HookState>> {
  const { path, kept, repository } = await findHookFolder(gitDir, options);
  const isListed = (await readHookRecord(kept)).users.includes(repository);
  const states = new Map<string, HookState>();
  for (const [name, text] of scripts) {
    const there = await readEntry(join(path, name));
    if (there === null) states.set(name, 'missing');
    else if (!isOwnHook(name, there)) states.set(name, 'replaced');
    else states.set(name, isListed && sameEntry(there, ownHook(text)) ? 'installed' : 'outdated');
  }
  return states;
}
