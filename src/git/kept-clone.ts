import { readFileSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { digest } from '../protocol/digest.ts';
import { isAlive } from './alive.ts';
import type { Environment } from './environment.ts';
import type { Quarantine } from './quarantine.ts';

/** What of a clone has come whole: refs, with all they lead to in packs. */
export interface Kept {
  /** The hash of the objects. */
  format: string;
  refs: { name: string; oid: string; site: string }[];
  /** Tips that no such ref names, with all they lead to. */
  others: string[];
  /** The packs, without their endings. */
  packs: string[];
  /** Their size. */
  bytes: number;
}

interface Record extends Kept {
  /** The `gam clone` that brought it, or goes on from it; see processName(). */
  owner: string;
}

const RECORD = 'kept.json';

/** What nobody has come back for in this time is removed. */
const STALE_MS = 7 * 24 * 3600 * 1000;

/** `$XDG_CACHE_HOME/gam/clones`, or under `~/.cache`; null without a home. */
export function keptClonesFolder(env: Environment): string | null {
  const absolute = (path: string | undefined) => (path !== undefined && isAbsolute(path) ? path : null);
  const home = absolute(env['HOME']);
  const cache = absolute(env['XDG_CACHE_HOME']) ?? (home && join(home, '.cache'));
  return cache && join(cache, 'gam/clones');
}

function isRecord(found: unknown): found is Record {
  const { owner, format, refs, others, packs, bytes } = found as Partial<Record>;
  const isOid = (oid: unknown) => typeof oid === 'string' && /^[0-9a-f]{40,64}$/.test(oid);
  const isRef = ({ name, oid, site }: Kept['refs'][number]) =>
    isOid(oid) && /^(?:HEAD$|refs\/.)/.test(name) && /^[^/]+$/.test(site);
  const isPack = (name: unknown) => typeof name === 'string' && /^pack-[0-9a-f]+$/.test(name);
  const all = <T>(list: readonly T[] | undefined, is: (one: T) => boolean) => list?.every(is) === true;
  const plain = typeof owner === 'string' && typeof format === 'string' && Number.isFinite(bytes);
  return plain && all(refs, isRef) && all(others, isOid) && all(packs, isPack);
}

/** Null where there is none, or something that cannot be read. */
function readRecord(folder: string): Record | null {
  try {
    const found: unknown = JSON.parse(readFileSync(join(folder, RECORD), 'utf8'));
    return isRecord(found) ? found : null;
  } catch {
    return null;
  }
}

async function writeRecord(folder: string, record: Record): Promise<void> {
  const path = join(folder, RECORD);
  await writeFile(`${path}.lock`, JSON.stringify(record));
  await rename(`${path}.lock`, path);
}

/**
 * What a clone of one canonical URL has brought so far, kept aside: git removes the folder of a clone that fails, and the
 * next one is to go on from there. One `gam clone` at a time has it. The packs are those in the quarantine by hard links,
 * or copies where the two are on different file systems. Nothing here is trusted when it is read again.
 */
export class KeptClone {
  /** Whether an earlier clone had left something when this object was made, and no other one worked with it. */
  readonly found: boolean;
  readonly #folder: string;
  readonly #owner: string;

  /**
   * @param root where clones are kept
   * @param url canonical's; only a hash of it is written
   * @param owner the `gam clone` at work
   */
  constructor(root: string, url: string, owner: string) {
    this.#folder = join(root, digest('sha256', url).toString('hex').slice(0, 32));
    this.#owner = owner;
    this.found = this.#record() !== null;
  }

  /** Takes over what an earlier clone has left; null when there is nothing. */
  async take(): Promise<Kept | null> {
    const record = this.#record();
    if (record !== null) await writeRecord(this.#folder, { ...record, owner: this.#owner });
    return record;
  }

  /** Keeps what is in a quarantine now. What was kept before stays when that fails. */
  async save(quarantine: Quarantine, { format, refs, others }: Omit<Kept, 'packs' | 'bytes'>): Promise<void> {
    const before = readRecord(this.#folder);
    if (before !== null && this.#isAnothers(before)) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const from = join(quarantine.folder, 'pack');
    const files = (await readdir(from)).filter((name) => /^pack-[0-9a-f]+\.(?:pack|idx|rev)$/.test(name));
    const packs = files.filter((name) => name.endsWith('.pack'));
    let bytes = 0;
    for (const name of files) await linkOrCopy(join(from, name), join(this.#folder, name));
    for (const name of packs) bytes += (await stat(join(from, name))).size;
    const names = packs.map((name) => name.replace(/\.pack$/, ''));
    await writeRecord(this.#folder, { owner: this.#owner, format, refs, others, packs: names, bytes });
  }

  /** Puts the packs into a quarantine. */
  async linkInto(quarantine: Quarantine, { packs }: Kept): Promise<void> {
    const to = join(quarantine.folder, 'pack');
    await mkdir(to, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      if (packs.includes(name.replace(/\.[a-z]+$/, '')))
        await linkOrCopy(join(this.#folder, name), join(to, name));
    }
  }

  /** Removes what is kept. */
  async drop(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #record(): Record | null {
    const record = readRecord(this.#folder);
    return record === null || this.#isAnothers(record) ? null : record;
  }

  #isAnothers({ owner }: Record): boolean {
    return owner !== this.#owner && isAlive(owner) !== false;
  }
}

// Objects and packs are named by their content: what is there already is the same.
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    await copyFile(from, `${to}.lock`);
    await rename(`${to}.lock`, to);
  }
}

/**
 * Removes what one `gam clone` has kept, submodules included, and what nobody came back for.
 *
 * @param owner the command; null to remove only the latter
 */
export async function removeKept(root: string, owner: string | null): Promise<void> {
  for (const folder of await foldersIn(root)) {
    const record = readRecord(folder);
    const own = record !== null && record.owner === owner;
    const left = record === null || isAlive(record.owner) !== true;
    const age = await stat(folder).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (own || (left && age > STALE_MS)) await rm(folder, { recursive: true, force: true });
  }
}

/** How many bytes one `gam clone` has kept. */
export async function bytesKept(root: string, owner: string): Promise<number> {
  const records = (await foldersIn(root)).map(readRecord);
  return records.reduce((sum, record) => sum + (record?.owner === owner ? record.bytes : 0), 0);
}

async function foldersIn(root: string): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  return names.map((name) => join(root, name));
}
