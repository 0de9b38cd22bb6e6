import { readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { doubleEntry, type HookEntry, readEntry, sameEntry } from './hook-entry.ts';
import { type HookFolder, KEPT_FOLDER } from './hook-folder.ts';
import { DRAFT, type HookRecord, isOwnName, writeHookRecord } from './hook-record.ts';

/** A folder of hooks under change. */
export interface HooksUnderChange extends HookFolder {
  /** The names under which gam's stand. */
  names: Set<string>;
  record: HookRecord;
}

/** What a link beside the former hooks names to lead to what stands beside gam's. */
export function neighbourTarget(name: string): string {
  return `../${name}`;
}

/** The former hook of this name as it stood; null where there was none. */
export async function formerHook(folder: HooksUnderChange, name: string): Promise<HookEntry | null> {
  const entry = await readEntry(join(folder.kept, name));
  if (entry?.kind !== 'link') return entry;
  if (entry.target === neighbourTarget(name)) return null;
  return { kind: 'link', target: folder.record.links[name] ?? entry.target };
}

/** All former hooks, by name. */
export async function formerHooks(folder: HooksUnderChange): Promise<Map<string, HookEntry>> {
  const former = new Map<string, HookEntry>();
  for (const name of await readdir(folder.kept)) {
    const hook = isOwnName(name) ? null : await formerHook(folder, name);
    if (hook !== null) former.set(name, hook);
  }
  return former;
}

// The new one is whole before it takes the place of the old one, which is never away.
async function place(folder: HookFolder, hook: HookEntry, from: string, to: string): Promise<void> {
  const draft = join(folder.kept, DRAFT);
  await rm(draft, { force: true });
  await doubleEntry(hook, from, draft);
  await rename(draft, to);
}

/** Which of gam's names a link leads to, as where all hooks are one script that goes by the name it is called by; null where none. */
export async function hookLinked({ path, names }: HooksUnderChange, target: string): Promise<string | null> {
  const around = isAbsolute(target) ? dirname(target) : `${path}/${dirname(target)}`;
  const name = basename(target);
  return names.has(name) && (await realpath(around).catch(() => null)) === path ? name : null;
}

// A link leads from the folder of former hooks where it led before; one to another hook leads to the former one, and not to gam's.
async function relocated(folder: HooksUnderChange, target: string): Promise<string> {
  return (await hookLinked(folder, target)) ?? (isAbsolute(target) ? target : `../${target}`);
}

/**
 * Sorts hooks so that those which are links to others come before these: in this order gam's take their places, and in the other
 * order former ones are put back, so that a link never leads to another hook of gam's than that of its own name.
 */
export async function linksFirst(
  folder: HooksUnderChange,
  hooks: ReadonlyMap<string, HookEntry>,
): Promise<string[]> {
  const linked = new Map<string, string | null>();
  for (const [name, hook] of hooks)
    linked.set(name, hook.kind === 'link' ? await hookLinked(folder, hook.target) : null);
  const depth = (name: string) => {
    let steps = 0;
    for (let at = linked.get(name); at && steps <= hooks.size; at = linked.get(at)) steps += 1;
    return steps;
  };
  return [...hooks.keys()].sort((one, other) => depth(other) - depth(one));
}

/** Keeps what stands under a name, in the place of what was kept of that name. */
export async function keepHook(folder: HooksUnderChange, name: string, hook: HookEntry): Promise<void> {
  const [from, to] = [join(folder.path, name), join(folder.kept, name)];
  if (hook.kind === 'file') return place(folder, hook, from, to);
  folder.record.links[name] = hook.target;
  await writeHookRecord(folder.kept, folder.record);
  await place(folder, { kind: 'link', target: await relocated(folder, hook.target) }, from, to);
}

/** Puts a former hook in its place again; it stays among the former ones, too. */
export async function putBack(folder: HooksUnderChange, name: string, former: HookEntry): Promise<void> {
  await place(folder, former, join(folder.kept, name), join(folder.path, name));
}

/**
 * Puts a former hook beside what an administrator has put in its place since, under a name by which nothing runs it.
 * @returns its path
 */
export async function setAside(folder: HooksUnderChange, name: string, former: HookEntry): Promise<string> {
  for (let number = 1; ; number += 1) {
    const path = join(folder.path, `${name}.${KEPT_FOLDER}${number === 1 ? '' : `-${number}`}`);
    const there = await readEntry(path);
    if (there === null) await place(folder, former, join(folder.kept, name), path);
    // A run that was killed may have put it there.
    if (there === null || sameEntry(there, former)) return path;
  }
}
