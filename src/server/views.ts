import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { isAlive, processName } from '../git/alive.ts';
import { cloneRefs, refsMark } from '../git/clone-refs.ts';
import type { Environment } from '../git/environment.ts';
import { commonDirOf } from '../git/repository.ts';
import { writeView } from '../git/view.ts';
import { fetchRefspecs } from '../mirror/carried.ts';
import { viewRefs } from '../mirror/view-refs.ts';
import type { InTurn } from './lists.ts';

/** A clone, and which of its remotes it is to be served as. */
export interface ViewedClone {
  gitDir: string;
  remote: string;
  /** The clone's configuration; the same array as long as nothing has changed. */
  entries: readonly ConfigEntry[];
}

/** A view that is served; it stays until it is left. */
export interface OpenView {
  gitDir: string;
  leave: () => void;
}

interface View {
  folder: string;
  /** What it was made of. */
  made: { mark: string; entries: readonly ConfigEntry[] } | null;
  /** While it is looked at or made. */
  making: Promise<unknown> | null;
  users: number;
}

/** So many views are kept, each a few small files. */
const KEPT = 256;

/** The name of the folder goes on with its owner's. */
const PREFIX = 'gam-views-';

// A server that was killed could not remove its own.
async function removeLeft(among: string): Promise<void> {
  for (const name of await readdir(among).catch(() => [])) {
    if (!name.startsWith(PREFIX) || isAlive(name.slice(PREFIX.length)) !== false) continue;
    // It may be another user's.
    await rm(join(among, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * Clones, each served as what one of its remotes is: small repositories in a temporary folder, with the clone's objects and the
 * remote's refs (viewRefs()). Each is made when it is asked for, and anew when refs or configuration of the clone have changed.
 */
export class Views {
  readonly #env: Environment;
  readonly #inTurn: InTurn;
  readonly #stop = new AbortController();
  readonly #views = new Map<string, View>();
  #folder: Promise<string> | null = null;
  #count = 0;

  /** @param env that in which git serves */
  constructor(env: Environment, inTurn: InTurn) {
    this.#env = env;
    this.#inTurn = inTurn;
  }

  /**
   * The view of a clone.
   * @param greets whether refs are asked for; other requests want what those have shown
   * @returns null where git could not be asked in time
   * @throws GamError `git-failed` where git will not work in the clone, or it lacks objects
   */
  async open(clone: ViewedClone, greets: boolean): Promise<OpenView | null> {
    const key = `${clone.remote}\0${clone.gitDir}`;
    const view = this.#views.get(key) ?? { folder: '', made: null, making: null, users: 0 };
    // Last is who was asked for last.
    this.#views.delete(key);
    this.#views.set(key, view);
    view.users += 1;
    let isIn = true;
    const leave = () => {
      if (isIn) view.users -= 1;
      isIn = false;
    };
    try {
      if (greets || view.made === null) {
        // Whoever comes meanwhile gets the same.
        view.making ??= this.#inTurn(() => this.#make(view, clone), this.#stop.signal).finally(() => {
          view.making = null;
        });
        await view.making;
      }
      await this.#makeRoom();
    } catch (error) {
      leave();
      throw error;
    }
    if (view.made !== null) return { gitDir: view.folder, leave };
    leave();
    return null;
  }

  /** Ends whatever is being made. */
  end(): void {
    this.#stop.abort();
  }

  /** Removes them all; to be called when nobody is served any more. */
  async close(): Promise<void> {
    this.end();
    await Promise.allSettled([...this.#views.values()].flatMap(({ making }) => making ?? []));
    const folder = await this.#folder?.catch(() => null);
    if (folder) await rm(folder, { recursive: true, force: true });
  }

  async #make(view: View, { gitDir, remote, entries }: ViewedClone): Promise<void> {
    const options = { env: this.#env, signal: this.#stop.signal };
    const common = commonDirOf(gitDir, {});
    const shallow = await readFile(join(common, 'shallow'), 'utf8').catch(() => null);
    const mark = `${shallow}\0${await refsMark(gitDir, options)}`;
    if (view.made?.mark === mark && view.made.entries === entries) return;
    const refs = viewRefs(await cloneRefs(gitDir, options), {
      remote,
      refspecs: fetchRefspecs(entries, remote),
      tags: lastValue(entries, 'remote', remote, 'tagopt') !== '--no-tags',
      hidden: entries
        .filter(({ section, name }) => /^(?:transfer|uploadpack)$/.test(section) && name === 'hiderefs')
        .map(({ value }) => value ?? ''),
    });
    if (view.folder === '') {
      this.#folder ??= this.#makeFolder().catch((error: unknown) => {
        this.#folder = null;
        throw error;
      });
      this.#count += 1;
      view.folder = join(await this.#folder, `${this.#count}.git`);
    }
    await writeView(view.folder, { objects: join(common, 'objects'), shallow, entries }, refs);
    view.made = { mark, entries };
  }

  async #makeFolder(): Promise<string> {
    const among = this.#env['TMPDIR'] || tmpdir();
    await removeLeft(among);
    return mkdtemp(join(among, `${PREFIX}${processName(process.pid)}-`));
  }

  async #makeRoom(): Promise<void> {
    for (const [key, { folder, making, users }] of this.#views) {
      if (this.#views.size <= KEPT) return;
      if (users > 0 || making !== null) continue;
      this.#views.delete(key);
      if (folder !== '') await rm(folder, { recursive: true, force: true });
    }
  }
}
