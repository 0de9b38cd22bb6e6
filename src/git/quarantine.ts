import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { quoteC } from '../protocol/c-quote.ts';
import { isAlive, processName } from './alive.ts';
import type { Environment } from './environment.ts';

// `git prune` removes `tmp_*` entries of the object directory when they are old, so that plain git cleans
// up behind a killed helper even where gam never runs again.
const PREFIX = 'tmp_objdir-gam-';
const OWNER_FILE = 'owner';

/** A quarantine of another host is a leftover when it is older than two days. */
const STALE_MS = 2 * 24 * 3600 * 1000;

interface Owner {
  /** See processName(). */
  process: string;
  /** Packs whose `.keep` file this run made; they go with the quarantine. */
  keeps: string[];
}

/**
 * Objects from a mirror that nothing can see yet: a folder inside the object directory, as receive-pack has
 * one for a push. What turns out to be incomplete goes with the folder, and nothing of it was ever in the
 * repository.
 */
export class Quarantine {
  readonly folder: string;
  readonly #objects: string;
  readonly #owner: Owner;

  private constructor(objects: string, folder: string, process: string) {
    this.#objects = objects;
    this.folder = folder;
    this.#owner = { process, keeps: [] };
  }

  /** Makes an empty quarantine in an object directory. */
  static async open(objects: string, pid: number): Promise<Quarantine> {
    // The name tells the owner, too: a helper killed at this very place leaves an empty folder.
    const process = processName(pid);
    const folder = await mkdtemp(join(objects, `${PREFIX}${process}-`));
    const quarantine = new Quarantine(objects, folder, process);
    await quarantine.#writeOwner();
    return quarantine;
  }

  /** The environment in which git writes into the quarantine and still sees every object of the repository. */
  environment(env: Environment): Environment {
    const before = env['GIT_ALTERNATE_OBJECT_DIRECTORIES'];
    const own = /["\n]|^\s|:/.test(this.#objects) ? quoteC(this.#objects) : this.#objects;
    return {
      ...env,
      GIT_OBJECT_DIRECTORY: this.folder,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: before ? `${own}${delimiter}${before}` : own,
    };
  }

  /** The environment in which git sees what is in the quarantine, and nothing else. */
  alone(env: Environment): Environment {
    return { ...env, GIT_OBJECT_DIRECTORY: this.folder, GIT_ALTERNATE_OBJECT_DIRECTORIES: undefined };
  }

  /** The paths of the packs that are here. */
  async packs(): Promise<string[]> {
    const folder = join(this.folder, 'pack');
    const names = existsSync(folder) ? await readdir(folder) : [];
    return names.filter((name) => /^pack-[0-9a-f]+\.pack$/.test(name)).map((name) => join(folder, name));
  }

  /**
   * Moves what is here into the repository, the index of a pack last, so that git sees whole packs only
   * (tmp-objdir.c, pack_copy_priority). A `.keep` file protects each pack until the refs that need it are
   * written; it goes with remove().
   * @returns the names of the packs that are new in the repository, without their endings
   */
  async migrate(): Promise<string[]> {
    for (const name of await readdir(this.folder)) {
      if (/^[0-9a-f]{2}$/.test(name)) await this.#migrateLoose(name);
    }
    const packs = join(this.folder, 'pack');
    if (!existsSync(packs)) return [];
    const files = (await readdir(packs)).filter((name) => /^pack-[0-9a-f]+\.(?!keep$)/.test(name));
    await mkdir(join(this.#objects, 'pack'), { recursive: true });
    await this.#keep(files.filter((name) => name.endsWith('.pack')));
    files.sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')));
    for (const name of files) await moveNew(join(packs, name), join(this.#objects, 'pack', name));
    return this.#owner.keeps.map((name) => name.replace(/\.keep$/, ''));
  }

  /** Names another process as the owner, which removes the quarantine in its time. */
  async handOver(pid: number): Promise<void> {
    this.#owner.process = processName(pid);
    await this.#writeOwner();
  }

  /** Removes the quarantine, whatever is still in it, and the `.keep` files of its packs. */
  async remove(): Promise<void> {
    await removeQuarantine(this.#objects, this.folder, this.#owner.keeps);
  }

  async #keep(packs: readonly string[]): Promise<void> {
    this.#owner.keeps = packs
      .map((name) => name.replace(/\.pack$/, '.keep'))
      .filter((name) => !existsSync(join(this.#objects, 'pack', name)));
    // Written down first: a helper killed between the two leaves a name without a file, not the reverse.
    await this.#writeOwner();
    for (const name of this.#owner.keeps) {
      await writeFile(join(this.#objects, 'pack', name), `gam ${this.#owner.process}\n`);
    }
  }

  async #migrateLoose(fanout: string): Promise<void> {
    await mkdir(join(this.#objects, fanout), { recursive: true });
    for (const name of await readdir(join(this.folder, fanout))) {
      if (!/^[0-9a-f]+$/.test(name)) continue;
      await moveNew(join(this.folder, fanout, name), join(this.#objects, fanout, name));
    }
  }

  async #writeOwner(): Promise<void> {
    const path = join(this.folder, OWNER_FILE);
    await writeFile(`${path}.lock`, JSON.stringify(this.#owner));
    await rename(`${path}.lock`, path);
  }
}

// Object files are named by their content: one that is there already is the same.
async function moveNew(from: string, to: string): Promise<void> {
  if (!existsSync(to)) await rename(from, to);
}

async function removeQuarantine(objects: string, folder: string, keeps: readonly string[]): Promise<void> {
  for (const name of keeps) {
    if (/^pack-[0-9a-f]+\.keep$/.test(name)) await rm(join(objects, 'pack', name), { force: true });
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

function readOwner(folder: string): Owner {
  const named = { process: basename(folder).slice(PREFIX.length), keeps: [] };
  try {
    const owner = JSON.parse(readFileSync(join(folder, OWNER_FILE), 'utf8')) as Partial<Owner>;
    return { ...named, ...owner };
  } catch {
    return named;
  }
}

function isLeftover(folder: string, own: number | null): boolean {
  const owner = readOwner(folder).process;
  if (own !== null && owner === processName(own)) return true;
  const alive = isAlive(owner);
  if (alive !== null) return !alive;
  try {
    return Date.now() - statSync(folder).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

/** How many quarantines are in an object directory, by whether somebody still works with them. */
export async function countQuarantines(objects: string): Promise<{ living: number; left: number }> {
  const left = (await listLeftovers(objects)).length;
  const all = existsSync(objects) ? readdirSync(objects).filter((name) => name.startsWith(PREFIX)) : [];
  return { living: Math.max(all.length - left, 0), left };
}

/** The names of quarantines whose owner is gone, in an object directory. */
export async function listLeftovers(objects: string, own: number | null = null): Promise<string[]> {
  const names = existsSync(objects) ? readdirSync(objects) : [];
  return names.filter((name) => name.startsWith(PREFIX) && isLeftover(join(objects, name), own));
}

/**
 * Removes the quarantines whose owner is gone. Returns their names.
 *
 * @param own a process whose quarantines go, too, although it is alive: the one that is done with them
 */
export async function removeLeftovers(objects: string, own: number | null = null): Promise<string[]> {
  const names = await listLeftovers(objects, own);
  for (const name of names) {
    const folder = join(objects, name);
    await removeQuarantine(objects, folder, readOwner(folder).keeps);
  }
  return names;
}
