import { existsSync } from 'node:fs';
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MIRROR_NAMESPACE } from '../mirror/staged.ts';
import type { Repository } from './repository.ts';

/** git makes a clone's folder and the repository in it one after the other, in so many milliseconds. */
const MADE_TOGETHER = 1000;

async function removeEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeEmpty(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined);
}

/**
 * Clears away what a clone that failed could not. git then removes the folder that it made, and stops at whatever
 * comes in there meanwhile: a quarantine, a pack, a ref of gam's. Nothing is touched as long as there is a HEAD, and
 * of files only what gam wrote.
 *
 * @param packs the packs that were moved in, without their endings
 */
export async function clearRemovedClone(
  { gitDir, objects }: Pick<Repository, 'gitDir' | 'objects'>,
  packs: readonly string[],
): Promise<void> {
  if (existsSync(join(gitDir, 'HEAD')) || !existsSync(gitDir)) return;
  const around = dirname(gitDir);
  const made = await Promise.all([stat(around), stat(gitDir)]).catch(() => null);
  for (const pack of packs)
    for (const ending of ['keep', 'idx', 'rev', 'pack'])
      await rm(join(objects, 'pack', `${pack}.${ending}`), { force: true });
  await rm(join(gitDir, MIRROR_NAMESPACE), { recursive: true, force: true });
  await removeEmpty(gitDir);
  if (basename(gitDir) !== '.git' || made === null || existsSync(gitDir)) return;
  // A folder that was there before stays, as git leaves it; one that is not empty stays in any case.
  const [outer, inner] = made;
  if (Math.abs(inner.birthtimeMs - outer.birthtimeMs) < MADE_TOGETHER)
    await rmdir(around).catch(() => undefined);
}
