import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type HookEntry, readEntry, sameEntry, writeWhole } from './hook-entry.ts';
import { DRAFT } from './hook-record.ts';
import { isSealed, sealHook } from './hook-seal.ts';
import { formerHook, type HooksUnderChange, keepHook, putBack, setAside } from './kept-hook.ts';

const MODE = 0o755;

/** A hook of gam's with this text, as it stands in a folder of hooks. */
export function ownHook(text: string): HookEntry & { kind: 'file' } {
  return { kind: 'file', mode: MODE, content: sealHook(text) };
}

/** Whether a hook is gam's, of any version and mode. */
export function isOwnHook(entry: HookEntry): boolean {
  return entry.kind === 'file' && isSealed(entry.content);
}

/** The names of gam's hooks in a folder. */
export async function ownHooks(path: string): Promise<string[]> {
  const files = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile());
  const contents = await Promise.all(files.map(({ name }) => readFile(join(path, name)).catch(() => null)));
  return files.flatMap(({ name }, index) => (isSealed(contents[index] ?? Buffer.alloc(0)) ? [name] : []));
}

/**
 * Keeps what stands where a hook of gam's is to stand; it stays there, too.
 * @returns where a former hook was set aside, if one was
 */
export async function keepFormer(folder: HooksUnderChange, name: string): Promise<string[]> {
  const [there, former] = await Promise.all([readEntry(join(folder.path, name)), formerHook(folder, name)]);
  if (there === null || isOwnHook(there) || (former !== null && sameEntry(there, former))) return [];
  const aside = former === null ? [] : [await setAside(folder, name, former)];
  await keepHook(folder, name, there);
  return aside;
}

/** Puts a hook of gam's in its place; what stands there must be kept. */
export async function placeOwnHook(folder: HooksUnderChange, name: string, text: string): Promise<void> {
  const path = join(folder.path, name);
  const [there, ours] = [await readEntry(path), ownHook(text)];
  if (there !== null && sameEntry(there, ours)) return;
  await writeWhole(join(folder.kept, DRAFT), ours.content, MODE);
  await rename(join(folder.kept, DRAFT), path);
}

/**
 * Takes a hook of gam's away, and puts back what stood there before, unless somebody has replaced it since.
 * @returns where a former hook was set aside, if one was
 */
export async function removeOwnHook(folder: HooksUnderChange, name: string): Promise<string[]> {
  const path = join(folder.path, name);
  const [there, former] = await Promise.all([readEntry(path), formerHook(folder, name)]);
  if (there === null || isOwnHook(there)) {
    if (former === null) await rm(path, { force: true });
    else await putBack(folder, name, former);
    return [];
  }
  return former === null || sameEntry(there, former) ? [] : [await setAside(folder, name, former)];
}
