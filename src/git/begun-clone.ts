import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { digest } from '../protocol/digest.ts';
import { isAlive } from './alive.ts';

/** A note for which nobody has come back in this time is removed. */
const STALE_MS = 7 * 24 * 3600 * 1000;

const LOOK_EVERY_MS = 50;

/** A `gam clone` that has begun. */
export interface Earlier {
  /** The command; see processName(). */
  owner: string;
  /** The git that it ran, if it had come so far. */
  git: string | null;
  /** When; milliseconds since the epoch. */
  at: number;
  /** Whether git came to its end, and failed while a mirror sent; else it was killed, or the command was. */
  failed: boolean;
}

interface Begun extends Earlier {
  /** A hash of the words for git. */
  words: string;
}

/**
 * The note that a `gam clone` has begun in a folder, written before git makes it and gone when git is through. Where one is
 * found of a command that runs no more, that was killed, and what lies in the folder is no user's work, unless it shows. It
 * stays, too, when git has failed while a mirror sent: the next one had better come in parts.
 */
export class BegunClone {
  readonly #path: string;
  readonly #words: string;

  /**
   * @param root where clones are kept; see keptClonesFolder()
   * @param folder where git clones to, an absolute path
   * @param words for git: another command there is none to go on from this one
   */
  constructor(root: string, folder: string, words: readonly string[]) {
    const hash = (text: string) => digest('sha256', text).toString('hex').slice(0, 32);
    this.#path = join(root, `${hash(folder)}.begun`);
    this.#words = hash(words.join('\0'));
  }

  /** What an earlier run of the same command has left that was killed; null where there was none. */
  earlier(): Earlier | null {
    const record = readBegun(this.#path);
    return record === null || record.words !== this.#words || isAlive(record.owner) !== false ? null : record;
  }

  /** Notes a clone that is about to begin. Where that cannot be written, none is. */
  begin(owner: string): void {
    this.#write(owner, null, false);
  }

  /** Notes the git that clones. */
  runs(owner: string, git: string): void {
    this.#write(owner, git, false);
  }

  /** Notes that git has failed while a mirror sent. */
  failed(owner: string): void {
    this.#write(owner, null, true);
  }

  /** Takes the note back. */
  end(): void {
    rmSync(this.#path, { force: true });
  }

  #write(owner: string, git: string | null, failed: boolean): void {
    const record: Begun = { owner, git, at: Date.now(), failed, words: this.#words };
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#path}.lock`, JSON.stringify(record), { mode: 0o600 });
      renameSync(`${this.#path}.lock`, this.#path);
    } catch {
      // On a full disk, or without a home that can be written, a clone is as good as one by git.
    }
  }
}

/** The note in a file; null where it is none. */
function readBegun(path: string): Begun | null {
  try {
    const {
      words,
      owner,
      git,
      at,
      failed = false,
    } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Begun>;
    if (typeof words !== 'string' || typeof owner !== 'string' || typeof at !== 'number') return null;
    return git === null || typeof git === 'string' ? { words, owner, git, at, failed } : null;
  } catch {
    return null;
  }
}

/** Removes the notes of clones that were killed, and for which nobody came back. */
export function removeStaleNotes(root: string): void {
  const names = existsSync(root) ? readdirSync(root) : [];
  for (const path of names
    .filter((name) => /\.begun(?:\.lock)?$/.test(name))
    .map((name) => join(root, name))) {
    const at = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - at > STALE_MS) rmSync(path, { force: true });
  }
}

/** Waits for the end of a process; at once where it is of another host. */
export async function gone(name: string): Promise<void> {
  while (isAlive(name) === true) await sleep(LOOK_EVERY_MS);
}
