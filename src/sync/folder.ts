import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GamError } from '../errors.ts';
import { isBeingCloned } from '../git/being-cloned.ts';
import { readConfig } from '../git/config.ts';
import { clearUnfinishedObjects } from '../git/unfinished-objects.ts';
import type { WorkTree } from '../git/work-tree.ts';
import { printable } from '../protocol/text.ts';
import { Breath } from './breath.ts';
import { watchFiles } from './file-events.ts';
import type { FolderStatus } from './folder-status.ts';
import { type FileTree, FolderWork, PATIENCE_MS, type Surroundings } from './folder-work.ts';
import { type Lookout, lookoutFor } from './lookout.ts';
import { needRest } from './move.ts';
import { Pace } from './pace.ts';
import { findPair, type Pair } from './pair.ts';
import type { WatchedFolder } from './watch-list.ts';

/** All files are looked at so often, as events can be lost; and so often where the system tells of none. */
const SCAN_MS = 600_000;
const UNHEARD_SCAN_MS = 30_000;
/** An exchange is made so often, whatever the lookout says. */
const SYNC_MS = 300_000;
/** Where something changes all the time, a commit waits for no more than so many quiet times, or this. */
const LONGEST_QUIETS = 20;
const LONGEST_WAIT_MS = 10_000;
/** What failed is tried again after this time, twice as long each time. */
const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 300_000;
/** Somebody at work here, or a folder that has gone, is looked for so often. */
const LOOK_MS = 2000;
/** Where the remote's branch was seen by then, nobody need be asked again. */
const FRESH_MS = 4000;

function sentence(error: unknown): string {
  const { message } = error as Error;
  const next = error instanceof GamError && error.suggestion ? `; ${error.suggestion}` : '';
  return printable(message + next, 500);
}

const WAITS: ReadonlySet<string> = new Set(['work-in-progress', 'dirty-work-tree', 'remote-busy']);

function stateBehind(error: unknown): 'waiting' | 'offline' | 'problem' {
  const code = error instanceof GamError ? error.code : '';
  if (WAITS.has(code)) return 'waiting';
  return code === 'remote-unreachable' ? 'offline' : 'problem';
}

const now = () => performance.now();

/** One watched folder: has what changes committed once it is settled, and its branch kept in step with the remote. */
export class Folder {
  readonly #work: FolderWork;
  readonly #signal: AbortSignal;
  readonly #pace = new Pace();
  readonly #breath = new Breath();
  /** Times of performance.now(); Infinity for never. */
  #commitAt = 0;
  #syncAt = 0;
  #scanAt = 0;
  #firstChange: number | null = null;
  #failures = 0;
  #lost: string | null = null;
  #isHeard = true;
  /** What the last looks at the remote, and at what the user himself commits, have shown. */
  #mark: string | null = null;
  #tip: { oid: string | null; seen: number } | null = null;
  #headMark: string | null = null;
  /** Where the last exchange has left the branch, on both sides. */
  #published: string | null = null;
  #isSeen = true;
  #exchangedAt = 0;

  constructor(listed: WatchedFolder, around: Surroundings) {
    this.#work = new FolderWork(listed, around);
    this.#signal = around.signal;
  }

  get status(): FolderStatus {
    return this.#work.status;
  }

  /** Works until the signal aborts. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#watch();
      } catch (error) {
        if (this.#signal.aborted) return;
        if (this.#isThere()) this.#work.become(stateBehind(error), sentence(error));
        else this.#work.become('gone', 'the folder, or its .git, is not there');
        await this.#pace.until(now() + LOOK_MS, this.#signal);
      }
    }
  }

  /** Does all once. @returns whether everything could be done */
  async once(isRehearsal: boolean): Promise<boolean> {
    const work = this.#work;
    try {
      const { workTree } = await this.#open();
      await work.commit(workTree, isRehearsal);
      if (work.status.growing > 0 && !isRehearsal && work.listed.delayMs <= LONGEST_WAIT_MS) {
        await this.#pace.until(now() + work.listed.delayMs, this.#signal);
        await work.commit(workTree, false);
      }
      await work.sync(isRehearsal);
      return true;
    } catch (error) {
      if (!this.#signal.aborted) work.become(stateBehind(error), sentence(error));
      return false;
    }
  }

  #isThere(): boolean {
    return existsSync(join(this.#work.listed.dir, '.git'));
  }

  async #open(): Promise<{ workTree: FileTree; pair: Pair; lookout: () => Promise<Lookout> }> {
    const { run, named, status } = this.#work;
    const workTree = await this.#work.find();
    if (await isBeingCloned(workTree, run))
      throw new GamError('work-in-progress', 'there is no commit yet, and somebody may be cloning it');
    // HEAD is at no branch during a rebase, and that is not what is to be told.
    if (workTree.branch === null) needRest(workTree);
    const config = await readConfig(run);
    const pair = findPair(config, workTree.branch, named);
    Object.assign(status, { remote: pair.remote, branch: pair.branch });
    const server = { run, remote: pair.remote, patienceMs: PATIENCE_MS };
    return { workTree, pair, lookout: () => lookoutFor(pair, config, workTree.bits, server) };
  }

  async #watch(): Promise<void> {
    const { workTree, lookout: choose } = await this.#open();
    this.#lost = null;
    const unwatch = await this.#hear(workTree.top);
    const lookout = await choose();
    const end = new AbortController();
    const stop = () => end.abort();
    this.#signal.addEventListener('abort', stop, { once: true });
    const looking = this.#lookOut(workTree, lookout, end.signal);
    [this.#commitAt, this.#syncAt, this.#scanAt] = [0, 0, now() + this.#scanMs];
    try {
      while (!this.#signal.aborted && this.#lost === null) {
        await this.#pace.until(Math.min(this.#commitAt, this.#syncAt, this.#scanAt), this.#signal);
        if (!this.#signal.aborted && this.#lost === null) await this.#round(workTree);
      }
      // What was not heard is found by looking at everything, which a new watch begins with.
      if (this.#lost !== null && !this.#isThere()) throw new Error(this.#lost);
    } finally {
      end.abort();
      this.#signal.removeEventListener('abort', stop);
      await Promise.allSettled([looking, unwatch(), lookout.close()]);
    }
  }

  get #scanMs(): number {
    return this.#isHeard ? SCAN_MS : UNHEARD_SCAN_MS;
  }

  /** Has the system tell of changes; where it does not, as it watches no more, looking has to do. */
  async #hear(top: string): Promise<() => Promise<void>> {
    const events = {
      changed: () => this.#noteChange(),
      lost: (why: string) => {
        this.#lost = why;
        this.#pace.wake();
      },
    };
    try {
      const unwatch = await watchFiles(top, events);
      this.#isHeard = true;
      return unwatch;
    } catch (error) {
      if (!this.#isThere()) throw error;
      const seconds = UNHEARD_SCAN_MS / 1000;
      if (this.#isHeard) this.#work.tell(`${sentence(error)}; all files are looked at every ${seconds} s`);
      this.#isHeard = false;
      return () => Promise.resolve();
    }
  }

  #noteChange(): void {
    const { delayMs } = this.#work.listed;
    this.#firstChange ??= now();
    const latest = this.#firstChange + Math.max(LONGEST_QUIETS * delayMs, LONGEST_WAIT_MS);
    this.#commitAt = Math.min(now() + delayMs, latest);
    this.#pace.wake();
  }

  async #lookOut({ gitDir }: WorkTree, lookout: Lookout, signal: AbortSignal): Promise<void> {
    const pace = new Pace();
    while (!signal.aborted) {
      await pace.until(now() + lookout.every, signal);
      if (signal.aborted) return;
      try {
        const stats = statSync(join(gitDir, 'logs/HEAD'), { throwIfNoEntry: false });
        const headMark = `${stats?.size} ${stats?.mtimeMs}`;
        if (this.#headMark !== null && headMark !== this.#headMark && (await this.#work.hasMoved()))
          this.#wantSync();
        this.#headMark = headMark;
        const began = now();
        const { mark, tip } = await lookout.look(signal);
        // Before our own push it may have been an older one.
        if (began < this.#exchangedAt) continue;
        if (tip !== undefined) this.#tip = { oid: tip, seen: began };
        if (tip !== undefined && tip !== this.#published) this.#breath.end();
        // A remote that can be looked at, and yet not be pushed to, is tried again as any other failure.
        if (mark !== this.#mark || !this.#isSeen) this.#wantSync();
        [this.#mark, this.#isSeen] = [mark, true];
      } catch {
        // The exchange tells why.
        this.#isSeen = false;
        this.#tip = null;
        if (!signal.aborted && this.status.state === 'in-step') this.#wantSync();
      }
    }
  }

  #wantSync(): void {
    if (this.#failures > 0 && this.status.state !== 'offline') return;
    this.#syncAt = Math.min(this.#syncAt, Math.max(now(), this.#breath.until));
    this.#pace.wake();
  }

  async #round(workTree: FileTree): Promise<void> {
    if (now() >= this.#scanAt) {
      this.#scanAt = now() + this.#scanMs;
      this.#commitAt = 0;
    }
    const isCommit = now() >= this.#commitAt;
    try {
      if (this.#failures > 0) clearUnfinishedObjects(workTree);
      if (isCommit) {
        this.#commitAt = Number.POSITIVE_INFINITY;
        this.#firstChange = null;
        if (await this.#work.commit(workTree, false))
          this.#syncAt = Math.min(this.#syncAt, this.#breath.until);
        const { growing } = this.status;
        if (growing > 0) this.#commitAt = Math.min(this.#commitAt, now() + this.#work.listed.delayMs);
      }
      if (now() < this.#syncAt) return;
      this.#syncAt = now() + SYNC_MS;
      const seen = this.#tip;
      this.#tip = null;
      const isFresh = seen !== null && now() - seen.seen < FRESH_MS;
      const kind = await this.#work.sync(false, isFresh ? seen.oid : undefined);
      this.#breath.note(kind, now());
      this.#published = this.status.head;
      this.#exchangedAt = now();
      // Somebody may have looked while it was pushed to.
      this.#tip = null;
      this.#failures = 0;
    } catch (error) {
      if (!this.#signal.aborted) this.#failed(error, isCommit);
    }
  }

  #failed(error: unknown, isCommit: boolean): void {
    if (!this.#isThere()) throw error;
    const state = stateBehind(error);
    this.#failures += 1;
    const longer = FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10);
    const retry = state === 'waiting' ? LOOK_MS : Math.min(longer, LONGEST_RETRY_MS);
    // A lock that was left behind is in the way of an exchange, too, and it is the commit that clears it.
    if (isCommit || state === 'waiting') this.#commitAt = Math.min(this.#commitAt, now() + retry);
    this.#syncAt = now() + retry;
    this.#work.become(state, sentence(error));
  }
}
