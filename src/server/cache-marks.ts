import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../git/alive.ts';

/** Which copies of a cache somebody needs now: each server on its folder names its own, as empty files in a folder of its own. */
export class CacheMarks {
  readonly #folder: string;
  readonly #own: string;
  /** How many requests need a copy, by its mark. */
  readonly #marks = new Map<string, number>();

  /**
   * @param folder that of all servers' marks
   * @param me as processName() has it
   */
  constructor(folder: string, me: string) {
    this.#folder = folder;
    this.#own = join(folder, me);
  }

  /**
   * Marks a copy as needed.
   * @param key a file name, one for each copy
   * @returns what takes the mark back; a second call does nothing
   */
  async need(key: string): Promise<() => void> {
    const mark = join(this.#own, key);
    const others = this.#marks.get(mark) ?? 0;
    this.#marks.set(mark, others + 1);
    // On a disk that is full, what is here is served all the same; others then cannot know of it.
    await writeFile(mark, '').catch(() => undefined);
    let needed = true;
    return () => {
      if (!needed) return;
      needed = false;
      const left = (this.#marks.get(mark) ?? 1) - 1;
      if (left > 0) this.#marks.set(mark, left);
      else this.#marks.delete(mark);
      if (left === 0) void this.#unmark(mark);
    };
  }

  /** Whether any server that lives needs a copy. */
  async isNeeded(key: string): Promise<boolean> {
    const found = await Promise.all(
      (await readdir(this.#folder)).map(
        async (name) =>
          isAlive(name) !== false && (await stat(join(this.#folder, name, key)).catch(() => null)) !== null,
      ),
    );
    return found.includes(true);
  }

  // Who has come while it was being removed has found his mark gone, and puts it there again.
  async #unmark(mark: string): Promise<void> {
    await rm(mark, { force: true });
    if (this.#marks.has(mark)) await writeFile(mark, '').catch(() => undefined);
  }
}
