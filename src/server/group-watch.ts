import { printable } from '../protocol/text.ts';
import type { GroupSource, SeenGroup } from './groups.ts';

/** A repository that is a member of a group, and how the group was when it was last looked at. */
export interface WatchedGroup {
  /** The repository's path at this server. */
  path: string;
  group: SeenGroup;
  /** When that was, in milliseconds since the epoch; null where nobody has looked yet. */
  seenAt: number | null;
}

/** A repository that is served. */
export interface ServedRepository {
  path: string;
  gitDir: string;
}

/** What a watch is made of. */
export interface WatchParts {
  source: GroupSource;
  repositories: () => Promise<readonly ServedRepository[]>;
  /** Told, once, of a member that cannot be reached, and why: that may name files, and is for the log. */
  warn: (line: string) => void;
  now?: () => number;
}

/** Members are asked so often at most, in milliseconds. */
export const LOOK_EVERY = 15_000;

/** So many groups are looked at; the others are not shown. */
const MOST_GROUPS = 50;

/** So many at a time: a look at one may take as long as its members may be silent. */
const TOGETHER = 4;

interface Kept extends WatchedGroup {
  gitDir: string;
  /** When the last look was begun. */
  begun: number;
}

/**
 * Knows how the groups of the repositories stand that are served. It looks in the background, when somebody asks, and members are never
 * asked again within 15 seconds; whoever asks gets what is known.
 */
export class GroupWatch {
  readonly #parts: WatchParts;
  readonly #now: () => number;
  readonly #stopping = new AbortController();
  readonly #told = new Map<string, string>();
  #kept: readonly Kept[] = [];
  #begun = Number.NEGATIVE_INFINITY;
  #found: Promise<void> = Promise.resolve();
  #working: Promise<void> | null = null;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** What is known now, by path. It is looked at again behind this. */
  get groups(): readonly WatchedGroup[] {
    this.#look();
    return this.#kept;
  }

  /** As groups, but waits at first until it is known which there are. Nobody is asked for that. */
  async known(): Promise<readonly WatchedGroup[]> {
    this.#look();
    await this.#found;
    return this.#kept;
  }

  /** Ends the looks that are under way. Resolves when nothing of them is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
  }

  #look(): void {
    const { signal } = this.#stopping;
    if (this.#working !== null || signal.aborted || this.#now() - this.#begun < LOOK_EVERY) return;
    this.#begun = this.#now();
    this.#found = this.#find().catch((error: Error) => this.#tell('groups', error.message));
    this.#working = this.#found
      .then(() => this.#lookAtAll())
      .finally(() => {
        this.#working = null;
      });
  }

  async #find(): Promise<void> {
    const { repositories, source } = this.#parts;
    const before = new Map(this.#kept.map((one) => [one.gitDir, one]));
    const kept: Kept[] = [];
    for (const { path, gitDir } of await repositories()) {
      if (this.#stopping.signal.aborted || kept.length === MOST_GROUPS) break;
      if (!source.mayBeMember(gitDir)) continue;
      const known = before.get(gitDir);
      const group =
        known?.group ?? (await source.open(gitDir).catch((error: Error) => this.#failed(path, error)));
      if (group !== null)
        kept.push(known ?? { path, gitDir, group, seenAt: null, begun: Number.NEGATIVE_INFINITY });
    }
    this.#kept = kept;
  }

  async #lookAtAll(): Promise<void> {
    const due = this.#kept.filter(({ begun }) => this.#now() - begun >= LOOK_EVERY);
    const next = async (): Promise<void> => {
      for (let one = due.shift(); one !== undefined; one = due.shift()) await this.#lookAt(one);
    };
    await Promise.all(Array.from({ length: TOGETHER }, next));
  }

  async #lookAt(one: Kept): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const begun = this.#now();
    // A signal of its own: what listens to the one of the server would add up with every look.
    const looking = new AbortController();
    const end = () => looking.abort();
    signal.addEventListener('abort', end, { once: true });
    const group = await this.#parts.source
      .look(one.gitDir, looking.signal)
      .catch((error: Error) => this.#failed(one.path, error))
      .finally(() => signal.removeEventListener('abort', end));
    if (signal.aborted) return;
    const seen = group === null ? { ...one, begun } : { ...one, begun, group, seenAt: this.#now() };
    this.#kept = this.#kept.map((kept) => (kept.gitDir === one.gitDir ? seen : kept));
    for (const { id, reason } of group?.members ?? []) this.#tell(`${one.path}: ${id}`, reason);
    if (group !== null) this.#tell(`${one.path}: the coordinator`, group.coordinator.reason);
  }

  #failed(path: string, error: Error): null {
    this.#tell(path, error.message);
    return null;
  }

  #tell(what: string, reason: string | null): void {
    if (reason === null) this.#told.delete(what);
    else if (this.#told.get(what) !== reason) {
      this.#told.set(what, reason);
      this.#parts.warn(printable(`${what}: ${reason}`));
    }
  }
}
