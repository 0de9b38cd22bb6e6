import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'tmp_objdir-gam-';
const OLDEST_MS = 2 * 24 * 3600 * 1000;

interface Owner {
  pid: number;
  host: string;
  started: string;
  keeps: string[];
}

async function readOwner(folder: string): Promise<Partial<Owner>> {
  try {
    return JSON.parse(await readFile(join(folder, 'owner'), 'utf8')) as Partial<Owner>;
  } catch {
    return {};
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isLeftover(folder: string): Promise<boolean> {
  const owner = await readOwner(folder);
  const started = owner.started === undefined ? (await stat(folder)).mtimeMs : Date.parse(owner.started);
  if (!(Date.now() - started < OLDEST_MS)) return true;
  return owner.host === hostname() && owner.pid !== undefined && !isAlive(owner.pid);
}

/** The quarantine folders whose helper is gone: their names inside `objectsDir`. */
export async function listLeftovers(objectsDir: string): Promise<string[]> {
  const names = (await readdir(objectsDir)).filter((name) => name.startsWith(PREFIX));
  const gone = await Promise.all(names.map((name) => isLeftover(join(objectsDir, name))));
  return names.filter((_, index) => gone[index]);
}

/** Removes what killed helpers left: their keep files, then their folders. Returns the folders' names. */
export async function removeLeftovers(objectsDir: string): Promise<string[]> {
  const names = await listLeftovers(objectsDir);
  for (const name of names) {
    const { keeps = [] } = await readOwner(join(objectsDir, name));
    for (const keep of keeps.filter((entry) => /^[\w.-]+$/.test(entry)))
      await rm(join(objectsDir, 'pack', `${keep.replace(/\.keep$/, '')}.keep`), { force: true });
    await rm(join(objectsDir, name), { recursive: true, force: true });
  }
  return names;
}
