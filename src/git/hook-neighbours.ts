import { readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { KEPT_FOLDER } from './hook-folder.ts';
import { isOwnName } from './hook-record.ts';
import { type HooksUnderChange, neighbourTarget } from './kept-hook.ts';

/**
 * Has what stands beside gam's hooks stand beside the former ones, too, by symbolic links, and nothing that has gone: hooks source
 * their neighbours by `$(dirname "$0")`.
 */
export async function linkNeighbours({ path, kept, names }: HooksUnderChange): Promise<void> {
  const isNeighbour = (name: string) =>
    !names.has(name) && !name.startsWith(KEPT_FOLDER) && !name.endsWith('.sample') && !isOwnName(name);
  const missing = new Set((await readdir(path)).filter(isNeighbour));
  for (const name of await readdir(kept)) {
    const target = await readlink(join(kept, name)).catch(() => null);
    const isThere = missing.delete(name);
    if (!isThere && target === neighbourTarget(name)) await rm(join(kept, name));
  }
  for (const name of missing) await symlink(neighbourTarget(name), join(kept, name));
}
