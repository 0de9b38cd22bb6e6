import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder that is removed by remove(). */
export interface Elsewhere {
  readonly folder: string;
  remove(): void;
}

/** Makes a folder on another file system than that of `path`; null where this machine has none that may be written to. */
export function makeElsewhere(path: string): Elsewhere | null {
  const here = statSync(path).dev;
  const installed = fileURLToPath(new URL('../../node_modules', import.meta.url));
  for (const parent of ['/dev/shm', tmpdir(), '/tmp', installed]) {
    try {
      if (statSync(parent).dev === here) continue;
      const folder = mkdtempSync(join(parent, '.gam-'));
      return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
    } catch {
      // Not there, or not ours.
    }
  }
  return null;
}
