import { link, lstat, open, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { badHooks } from './hook-folder.ts';

/** What stands under a name in a folder of hooks. */
export type HookEntry = { kind: 'file'; mode: number; content: Buffer } | { kind: 'link'; target: string };

/** What makes it impossible to have a file under two names: it is another user's, or the file system has no such thing. */
const UNLINKABLE = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Reads a hook: the link itself, where it is one.
 * @returns null where there is nothing
 * @throws GamError `bad-hooks` where it is neither a file nor a link, or cannot be read
 */
export async function readEntry(path: string): Promise<HookEntry | null> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) return { kind: 'link', target: await readlink(path) };
    if (found.isFile()) return { kind: 'file', mode: found.mode & 0o7777, content: await readFile(path) };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw badHooks(path, 'cannot be read', 'run it as a user who may', cause);
  }
  throw badHooks(path, 'is neither a file nor a symbolic link', 'move it away');
}

/** Whether two hooks are the same, as far as anybody could tell. */
export function sameEntry(one: HookEntry, other: HookEntry): boolean {
  if (one.kind === 'link') return other.kind === 'link' && one.target === other.target;
  return other.kind === 'file' && one.mode === other.mode && one.content.equals(other.content);
}

/**
 * Writes a new file, and has it on the disk: after a power cut an empty one would be a hook that lets everything through. What stood there
 * goes, and is not written to: it may be a former hook under a second name.
 */
export async function writeWhole(path: string, content: Buffer | string, mode: number): Promise<void> {
  await rm(path, { force: true });
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(content);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Has the hook at one path stand at another, too, where nothing is yet: a file as the same file, if the system allows it, so that its owner
 * and times stay; else as a copy.
 */
export async function doubleEntry(hook: HookEntry, from: string, to: string): Promise<void> {
  if (hook.kind === 'link') return symlink(hook.target, to);
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (!UNLINKABLE.has(error.code ?? '')) throw error;
    await writeWhole(to, hook.content, hook.mode);
  });
}
