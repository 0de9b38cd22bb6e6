import { mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GamError } from '../errors.ts';
import { isAlive, processName } from '../git/alive.ts';
import { type OwnedLock, takeOwnedLock } from '../git/owned-lock.ts';
import { digest } from '../protocol/digest.ts';
import { printable } from '../protocol/text.ts';
import { wordsOf } from './beforehand.ts';
import { CacheMarks } from './cache-marks.ts';

/** Where whoever has left it, on a machine that is not this one, has surely ended. */
const OLD_MS = 86_400_000;

const NOW = AbortSignal.abort();

/**
 * The folder of a cache: copies at `<scheme>/<host>/<path>.git`, and beside them what several servers on the same folder tell
 * each other. `marks/<process>/` names the copies that a server needs now, `locks/` those that are being changed, and in
 * `tmp/<process>/` is what is not whole yet, or is on its way out.
 */
export class CacheFolder {
  /** Without symbolic links. */
  readonly root: string;
  readonly #me = processName(process.pid);
  readonly #marks: CacheMarks;
  #drafts = 0;

  private constructor(root: string) {
    this.root = root;
    this.#marks = new CacheMarks(join(root, 'marks'), this.#me);
  }

  /**
   * Opens a folder, made where there is none, and removes what servers that have ended left half done.
   * @throws GamError `bad-root`
   */
  static async open(path: string): Promise<CacheFolder> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const folder = new CacheFolder(await realpath(path));
      const own = ['tmp', 'marks'].map((name) => join(folder.root, name, folder.#me));
      for (const name of [...own, join(folder.root, 'locks')]) await mkdir(name, { recursive: true });
      for (const name of ['tmp', 'marks']) await removeOfTheDead(join(folder.root, name));
      return folder;
    } catch (cause) {
      const suggestion = 'name a folder that this user may write to: gam serve --cache <dir>';
      throw new GamError('bad-root', `cannot keep a cache in ${printable(path)}: ${wordsOf(cause)}`, {
        suggestion,
        cause,
      });
    }
  }

  /** Where a copy is, or would be. */
  gitDir(folder: string): string {
    return join(this.root, folder);
  }

  /**
   * Puts a draft where its copy belongs.
   * @throws Error when there is something already, or a symbolic link leads to another place
   */
  async publish(draft: string, folder: string): Promise<void> {
    const gitDir = this.gitDir(folder);
    const parent = dirname(gitDir);
    await mkdir(parent, { recursive: true });
    if ((await realpath(parent)) !== parent) throw new Error(`a symbolic link leads out of ${parent}`);
    await rename(draft, gitDir);
  }

  /** A place for what is not whole yet, on the same file system. */
  draft(): string {
    this.#drafts += 1;
    return join(this.root, 'tmp', this.#me, `${this.#drafts}.git`);
  }

  /** Has nobody remove a copy until it is given back. */
  async need(folder: string): Promise<() => void> {
    return this.#marks.need(keyOf(folder));
  }

  /** Waits until nobody else changes a copy; null where the signal has ended the waiting. */
  lock(folder: string, signal: AbortSignal): Promise<OwnedLock | null> {
    return takeOwnedLock(join(this.root, 'locks', keyOf(folder)), this.#me, signal);
  }

  /**
   * Removes a copy that nobody needs and nobody changes.
   * @returns false when somebody does
   */
  async remove(folder: string): Promise<boolean> {
    if (await this.#marks.isNeeded(keyOf(folder))) return false;
    const lock = await this.lock(folder, NOW);
    if (lock === null) return false;
    try {
      const out = this.draft();
      await rename(this.gitDir(folder), out);
      // Who came in between has found it, and gets it back.
      if (await this.#marks.isNeeded(keyOf(folder))) {
        await rename(out, this.gitDir(folder));
        return false;
      }
      await rm(out, { recursive: true, force: true });
      return true;
    } finally {
      await lock.release();
    }
  }

  /** Every copy, by its folder. */
  async *copies(): AsyncGenerator<string> {
    for (const scheme of ['http', 'https']) {
      // A host may be called whatever.git.
      for (const host of await readdir(join(this.root, scheme)).catch(() => []))
        yield* this.#copiesUnder(`${scheme}/${host}`);
    }
  }

  /** Takes away all that this server alone needs the folder for. */
  async close(): Promise<void> {
    const own = ['tmp', 'marks'].map((name) => join(this.root, name, this.#me));
    await Promise.all(own.map((name) => rm(name, { recursive: true, force: true })));
  }

  async *#copiesUnder(folder: string): AsyncGenerator<string> {
    const entries = await readdir(join(this.root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const below = `${folder}/${entry.name}`;
      if (entry.isDirectory() && entry.name.endsWith('.git')) yield below;
      else if (entry.isDirectory()) yield* this.#copiesUnder(below);
    }
  }
}

function keyOf(folder: string): string {
  return digest('sha256', folder).toString('hex').slice(0, 32);
}

async function removeOfTheDead(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const alive = isAlive(name);
    const age = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? Date.now());
    if (alive === false || (alive === null && age > OLD_MS)) await rm(path, { recursive: true, force: true });
  }
}
