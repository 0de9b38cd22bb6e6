import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What git writes anew in every fetch, and neither a fetch nor `git fsck` reads. */
const PASSING = 'FETCH_HEAD';

/**
 * What tells two repositories apart: a digest of the names and contents of git's own files, all but FETCH_HEAD.
 * Null where that is not all, as with objects in another place, and where something vanishes meanwhile.
 */
export function digestOf(gitDir: string): string | null {
  if (existsSync(join(gitDir, 'objects/info/alternates'))) return null;
  try {
    const names = readdirSync(gitDir, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(gitDir, join(entry.parentPath, entry.name)))
      .filter((name) => name !== PASSING);
    const digest = createHash('sha256');
    for (const name of names.sort()) {
      const content = readFileSync(join(gitDir, name));
      digest.update(`${name}\0${content.length}\0`).update(content);
    }
    return digest.digest('hex');
  } catch {
    return null;
  }
}
