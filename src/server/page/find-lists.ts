import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../git/environment.ts';
import { Lists, type ToldList } from '../lists.ts';
import { gitDirsBelow, pathOf } from '../walk.ts';

/** A repository that tells its clients of mirrors. */
export interface FoundList extends ToldList {
  /** As pathOf() has it. */
  path: string;
  gitDir: string;
}

/** Lists that were found, and whether there is more than was looked for. */
export interface FoundLists {
  lists: FoundList[];
  truncated: boolean;
}

/** A search ends with so many lists. */
const MOST_LISTS = 200;

/** So many configuration files are looked into at a time: one by one, a thousand take a tenth of a second. */
const TOGETHER = 16;

// git is asked only where the file may say something: a process for each of a thousand repositories would take seconds.
async function mayTell(gitDir: string): Promise<boolean> {
  const text = await readFile(join(gitDir, 'config'), 'latin1').catch(() => '');
  return /mirrorlist|\binclude/i.test(text);
}

/** Finds the repositories under a root that have their mirror list told. */
export class ListFinder {
  readonly #root: string;
  readonly #lists: Lists;
  #ended = false;

  /** @param env as servingEnvironment() makes it */
  constructor(root: string, env: Environment) {
    this.#root = root;
    // Whoever is served is told what is wrong with a list. There is one process at a time, beside all that clients have at work:
    // a page that waits for these cannot show that they are too many.
    this.#lists = new Lists(
      env,
      (read) => read(),
      () => undefined,
    );
  }

  /** Looks once, in the order of paths. */
  async find(): Promise<FoundLists> {
    const { gitDirs, truncated } = await gitDirsBelow(this.#root);
    const lists: FoundList[] = [];
    for (let at = 0; at < gitDirs.length; at += TOGETHER) {
      const some = gitDirs.slice(at, at + TOGETHER);
      const telling = await Promise.all(some.map(mayTell));
      for (const gitDir of some.filter((_, index) => telling[index])) {
        if (this.#ended) return { lists, truncated: true };
        const told = await this.#lists.of(gitDir);
        if (told === null) continue;
        if (lists.length === MOST_LISTS) return { lists, truncated: true };
        lists.push({ path: pathOf(this.#root, gitDir), gitDir, ...told });
      }
    }
    return { lists, truncated };
  }

  /** Ends a search that is under way. */
  end(): void {
    this.#ended = true;
    this.#lists.end();
  }
}
