import { createRequire, syncBuiltinESMExports } from 'node:module';

type Change = (...args: unknown[]) => Promise<unknown>;

/** What changes a file system, of node:fs/promises. */
const CHANGES = ['chmod', 'link', 'mkdir', 'open', 'rename', 'rm', 'rmdir', 'symlink', 'writeFile'];

const promises = createRequire(import.meta.url)('node:fs/promises') as Record<string, Change>;

/**
 * Does something as a process does that is killed before its nth change of the file system: nothing changes any more from there on, and nothing is
 * tidied up.
 *
 * @param last how many changes it lives to make
 * @returns true when it was killed, false when it was done before
 */
export async function diesAfter(last: number, work: () => Promise<unknown>): Promise<boolean> {
  const real = Object.fromEntries(CHANGES.map((name) => [name, promises[name]]));
  let changes = 0;
  for (const name of CHANGES) {
    promises[name] = (...args) => {
      changes += 1;
      if (changes > last) return Promise.reject(new Error('killed'));
      return real[name]?.(...args) ?? Promise.reject(new Error(`no ${name}`));
    };
  }
  syncBuiltinESMExports();
  try {
    await work();
    return false;
  } catch (error) {
    if (changes <= last) throw error;
    return true;
  } finally {
    Object.assign(promises, real);
    syncBuiltinESMExports();
  }
}
