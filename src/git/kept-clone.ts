import { copyFile, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '../protocol/digest.ts';
import { isAlive } from './alive.ts';
import { type Kept, type KeptRecord, readRecord, writeRecord } from './kept-record.ts';
import type { Quarantine } from './quarantine.ts';

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

  #record(): KeptRecord | null {
    const record = readRecord(this.#folder);
    return record === null || this.#isAnothers(record) ? null : record;
  }

  #isAnothers({ owner }: KeptRecord): boolean {
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
