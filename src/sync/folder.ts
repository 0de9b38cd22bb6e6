import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import type { Environment } from '../git/environment.ts';
import { findWorkTree, type WorkTree } from '../git/work-tree.ts';
import { printable } from '../protocol/text.ts';
import { commitChanges } from './commit.ts';
import { watchFiles } from './file-events.ts';
import { type FolderStatus, firstOf, latest, newStatus } from './folder-status.ts';
import { type Lookout, lookoutFor } from './lookout.ts';
import { Pace } from './pace.ts';
import { findPair, type Pair } from './pair.ts';
import { sync } from './sync.ts';
import type { WatchedFolder } from './watch-list.ts';
import { keptJson, keptLine, syncedLine } from './wording.ts';

/** In what a folder is watched. */
export interface Surroundings {
  env: Environment;
  /** The name of this machine. */
  host: string;
  pid: number;
  signal: AbortSignal;
  /** Told of what happened, in one line each. */
  tell: (dir: string, line: string) => void;
  /** Told that the status is another one. */
  changed: () => void;
}

/** All files are looked at so often, as events can be lost. */
const SCAN_MS = 600_000;
/** The remote is asked by git so often, whatever the lookout says. */
const SYNC_MS = 300_000;
/** Where something changes all the time, a commit waits for no more than so many quiet times, and this. */
const LONGEST_QUIETS = 20;
const LONGEST_WAIT_MS = 10_000;
/** What failed is tried again after this time, twice as long each time. */
const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 300_000;
/** Waiting for somebody at work here, or for a folder to come back, is looking again so often. */
const LOOK_MS = 2000;
/** A remote may be silent for so long. */
const PATIENCE_MS = 30_000;

const codeOf = (error: unknown) => (error instanceof GamError ? error.code : null);

function sentence(error: unknown): string {
  const { message } = error as Error;
  const next = error instanceof GamError && error.suggestion ? `; ${error.suggestion}` : '';
  return printable(message + next, 500);
}

/** One watched folder: commits what changes and settles, and keeps its branch in step with the remote. */
export class Folder {
  readonly status: FolderStatus;
  readonly #folder: WatchedFolder;
  readonly #around: Surroundings;
  readonly #pace = new Pace();
  readonly #now: () => number = () => performance.now();
  #signal: AbortSignal;
  /** Times of performance.now(); Infinity for never. */
  #commitAt = 0;
  #syncAt = 0;
  #firstChange: number | null = null;
  #scanAt = 0;
  #failures = 0;
  #mark: string | null = null;
  #tip: { oid: string | null; seen: number } | null = null;
  #headMark = '';

  constructor(folder: WatchedFolder, around: Surroundings) {
    this.#folder = folder;
    this.#around = around;
    this.#signal = around.signal;
    this.status = newStatus(folder.dir);
  }

  /** Works until the signal aborts. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#watch();
      } catch (error) {
        if (this.#signal.aborted) return;
        const isGone = !existsSync(join(this.#folder.dir, '.git'));
        this.#become(
          isGone ? 'gone' : 'problem',
          isGone ? 'the folder, or its .git, is not there' : sentence(error),
        );
        await this.#pace.until(this.#now() + LOOK_MS, this.#signal);
      }
    }
  }

  /** Does all once, whatever is settled or not. @returns whether everything could be done */
  async once(isRehearsal: boolean): Promise<boolean> {
    try {
      const workTree = await this.#find();
      const pair = findPair(await readConfig(this.#run()), workTree.branch, this.#named());
      Object.assign(this.status, { remote: pair.remote, branch: pair.branch });
      await this.#commit(workTree, isRehearsal);
      if (this.status.growing > 0 && !isRehearsal) {
        await this.#pace.until(this.#now() + this.#folder.delayMs, this.#signal);
        await this.#commit(workTree, false);
      }
      await this.#sync(isRehearsal);
      return true;
    } catch (error) {
      if (!this.#signal.aborted) this.#become('problem', sentence(error));
      return false;
    }
  }

  #run() {
    const { env } = this.#around;
    // Nobody is there to be asked, and a lock for a look would be in the user's way.
    return { cwd: this.#folder.dir, env: { ...env, GIT_TERMINAL_PROMPT: '0' }, signal: this.#signal };
  }

  #named() {
    const { remote, branch } = this.#folder;
    return { remote: remote ?? undefined, branch: branch ?? undefined };
  }

  #tell(line: string): void {
    this.#around.tell(this.#folder.dir, line);
  }

  #become(state: FolderStatus['state'], why: string | null): void {
    const { status } = this;
    if (why !== null && why !== status.why) this.#tell(why);
    else if (why === null && status.why !== null && state === 'in-step') this.#tell('in step again');
    const isNew = status.state !== state || status.why !== why;
    Object.assign(status, { state, why });
    if (isNew) this.#around.changed();
  }

  async #find(): Promise<WorkTree & { top: string }> {
    const workTree = await findWorkTree(this.#run());
    const { top } = workTree;
    if (top === null)
      throw new GamError(
        'not-a-repository',
        `${printable(this.#folder.dir)} has no files: it is a bare repository`,
      );
    return { ...workTree, top };
  }

  async #watch(): Promise<void> {
    const workTree = await this.#find();
    const config = await readConfig(this.#run());
    const pair = findPair(config, workTree.branch, this.#named());
    Object.assign(this.status, { remote: pair.remote, branch: pair.branch });
    const server = { run: this.#run(), remote: pair.remote, patienceMs: PATIENCE_MS };
    const lookout = lookoutFor(pair, config, workTree.bits, server);
    const end = new AbortController();
    const stop = () => end.abort();
    this.#around.signal.addEventListener('abort', stop, { once: true });
    let lost: string | null = null;
    const events = {
      changed: () => this.#noteChange(),
      lost: (why: string) => {
        lost = why;
        this.#pace.wake();
      },
    };
    const unwatch = await watchFiles(workTree.top, events);
    const looking = this.#lookOut(workTree, lookout, end.signal);
    [this.#commitAt, this.#syncAt, this.#scanAt] = [0, 0, this.#now() + SCAN_MS];
    try {
      while (!this.#signal.aborted && lost === null) {
        await this.#pace.until(Math.min(this.#commitAt, this.#syncAt, this.#scanAt), this.#signal);
        if (!this.#signal.aborted && lost === null) await this.#round(workTree, pair);
      }
      if (lost !== null) throw new GamError('events-lost', `events were lost: ${lost}`);
    } finally {
      end.abort();
      this.#around.signal.removeEventListener('abort', stop);
      await Promise.allSettled([looking, unwatch(), lookout.close()]);
    }
  }

  #noteChange(): void {
    const now = this.#now();
    const { delayMs } = this.#folder;
    this.#firstChange ??= now;
    const latestTime = this.#firstChange + Math.max(LONGEST_QUIETS * delayMs, LONGEST_WAIT_MS);
    this.#commitAt = Math.min(now + delayMs, latestTime);
    this.#pace.wake();
  }

  /** Looks at the remote, and at what the user himself commits here. */
  async #lookOut({ gitDir }: WorkTree, lookout: Lookout, signal: AbortSignal): Promise<void> {
    const pace = new Pace();
    while (!signal.aborted) {
      await pace.until(this.#now() + lookout.every, signal);
      if (signal.aborted) return;
      const stats = statSync(join(gitDir, 'logs/HEAD'), { throwIfNoEntry: false });
      const headMark = `${stats?.size} ${stats?.mtimeMs}`;
      if (this.#headMark !== '' && headMark !== this.#headMark) this.#wantSync();
      this.#headMark = headMark;
      try {
        const { mark, tip } = await lookout.look(signal);
        if (tip !== undefined) this.#tip = { oid: tip, seen: this.#now() };
        if (mark !== this.#mark || this.status.state === 'offline') this.#wantSync();
        this.#mark = mark;
      } catch {
        // The next exchange tells why.
        if (!signal.aborted && this.status.state === 'in-step') this.#wantSync();
        this.#tip = null;
      }
    }
  }

  #wantSync(): void {
    if (this.#failures > 0 && this.status.state !== 'offline') return;
    this.#syncAt = Math.min(this.#syncAt, this.#now());
    this.#pace.wake();
  }

  async #round(workTree: WorkTree & { top: string }, pair: Pair): Promise<void> {
    const now = this.#now();
    if (now >= this.#scanAt) {
      this.#scanAt = now + SCAN_MS;
      this.#commitAt = 0;
    }
    const isCommit = now >= this.#commitAt;
    if (!isCommit && now < this.#syncAt) return;
    try {
      if (isCommit) {
        this.#commitAt = Number.POSITIVE_INFINITY;
        this.#firstChange = null;
        if (await this.#commit(workTree, false)) this.#syncAt = 0;
        if (this.status.growing > 0)
          this.#commitAt = Math.min(this.#commitAt, this.#now() + this.#folder.delayMs);
      }
      if (this.#now() >= this.#syncAt) {
        this.#syncAt = this.#now() + SYNC_MS;
        await this.#sync(false);
      }
      this.#failures = 0;
    } catch (error) {
      if (!this.#signal.aborted) this.#failed(error, isCommit, pair);
    }
  }

  #failed(error: unknown, isCommit: boolean, { branch }: Pair): void {
    const code = codeOf(error);
    if (!existsSync(join(this.#folder.dir, '.git'))) throw error;
    const isWait = code === 'work-in-progress' || code === 'dirty-work-tree';
    this.#failures += 1;
    const retry = isWait
      ? LOOK_MS
      : Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_RETRY_MS);
    if (isCommit) this.#commitAt = Math.min(this.#commitAt, this.#now() + retry);
    this.#syncAt = this.#now() + retry;
    const state = isWait ? 'waiting' : code === 'remote-unreachable' ? 'offline' : 'problem';
    this.status.branch = branch;
    this.#become(state, sentence(error));
  }

  /** @returns whether there is a new commit */
  async #commit(workTree: WorkTree & { top: string }, isRehearsal: boolean): Promise<boolean> {
    const { host } = this.#around;
    const run = { ...this.#run(), cwd: workTree.top };
    const tell = (line: string) => this.#tell(line);
    const { branch } = await findWorkTree(run);
    if (branch !== this.status.branch)
      throw new GamError(
        'work-in-progress',
        `${branch === null ? 'HEAD is at no branch' : `${printable(branch)} is checked out`}, and ${this.status.branch} is watched`,
        { suggestion: `git switch ${this.status.branch}` },
      );
    const done = await commitChanges(this.#folder, workTree, { run, host, isRehearsal, tell });
    const { status } = this;
    const known = status.leftOut.map(({ path }) => path);
    status.growing = done.growing.length;
    status.leftOut = firstOf(
      done.leftOut.map(({ path, why }) => ({ ...keptJson({ path, aside: null }), why })),
    );
    for (const { path, why } of status.leftOut)
      if (!known.includes(path)) this.#tell(`${path} ${why}: not committed`);
    if (isRehearsal && done.paths.length > 0) this.#tell(`would commit ${done.paths.length} files`);
    if (done.oid === null) return false;
    Object.assign(status, { head: done.oid, lastCommit: new Date().toISOString(), ahead: true });
    this.#tell(
      `committed ${done.paths.length} file${done.paths.length === 1 ? '' : 's'}, ${done.oid.slice(0, 12)}`,
    );
    this.#around.changed();
    return true;
  }

  /** Where the remote's branch was seen a moment ago, nobody need be asked again. */
  #knownTip(): string | null | undefined {
    const seen = this.#tip;
    this.#tip = null;
    return seen !== null && this.#now() - seen.seen < 2 * LOOK_MS ? seen.oid : undefined;
  }

  async #sync(isRehearsal: boolean): Promise<void> {
    const knownTip = this.#knownTip();
    const synced = await sync({
      run: this.#run(),
      ...this.#named(),
      onConflict: this.#folder.onConflict,
      allowUnrelated: false,
      allowDirty: true,
      isRehearsal,
      once: false,
      patienceMs: PATIENCE_MS,
      pid: this.#around.pid,
      ...(knownTip === undefined ? {} : { knownTip }),
    });
    if (synced === null) return;
    const time = new Date().toISOString();
    const { status } = this;
    const kept = synced.kept.map((one) => ({ ...keptJson(one), time }));
    Object.assign(status, {
      head: synced.after,
      lastSync: time,
      ahead: false,
      kept: latest(status.kept, kept),
    });
    for (const one of synced.kept) this.#tell(keptLine(one));
    if (synced.kind !== 'up-to-date' && synced.kind !== 'nothing')
      this.#tell(syncedLine(synced, isRehearsal));
    this.#become('in-step', null);
    this.#around.changed();
  }
}
