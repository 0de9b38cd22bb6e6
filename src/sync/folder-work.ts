import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { findWorkTree, type WorkTree } from '../git/work-tree.ts';
import { keptJson, keptLine } from '../merge/wording.ts';
import { printable } from '../protocol/text.ts';
import { commitChanges } from './commit.ts';
import type { Exchanged } from './exchange.ts';
import { type FolderStatus, firstOf, latest, newStatus } from './folder-status.ts';
import { sync } from './sync.ts';
import type { WatchedFolder } from './watch-list.ts';
import { syncedLine } from './wording.ts';

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

/** A work tree that has files. */
export type FileTree = WorkTree & { top: string };

/** A remote may be silent for so long. */
export const PATIENCE_MS = 30_000;

const many = (paths: readonly string[]) => `${paths.length} file${paths.length === 1 ? '' : 's'}`;

/** What is done in one watched folder, and what is told of it; when, others decide (folder.ts). */
export class FolderWork {
  readonly status: FolderStatus;
  readonly listed: WatchedFolder;
  readonly #around: Surroundings;

  constructor(listed: WatchedFolder, around: Surroundings) {
    this.listed = listed;
    this.#around = around;
    this.status = newStatus(listed.dir);
  }

  get run(): RunOptions {
    const { env, signal } = this.#around;
    // Nobody is there to be asked.
    return { cwd: this.listed.dir, env: { ...env, GIT_TERMINAL_PROMPT: '0' }, signal };
  }

  get named(): { remote: string | undefined; branch: string | undefined } {
    return { remote: this.listed.remote ?? undefined, branch: this.listed.branch ?? undefined };
  }

  tell(line: string): void {
    this.#around.tell(this.listed.dir, line);
  }

  /** Takes down how the folder stands; what is new of it is told. */
  become(state: FolderStatus['state'], why: string | null): void {
    const { status } = this;
    if (why !== null && why !== status.why) this.tell(why);
    else if (why === null && status.why !== null && state === 'in-step') this.tell('in step again');
    const isNew = status.state !== state || status.why !== why;
    Object.assign(status, { state, why });
    if (isNew) this.#around.changed();
  }

  /** @throws GamError `not-a-repository` */
  async find(): Promise<FileTree> {
    const workTree = await findWorkTree(this.run);
    const { top } = workTree;
    if (top !== null) return { ...workTree, top };
    throw new GamError(
      'not-a-repository',
      `${printable(this.listed.dir)} has no files: it is a bare repository`,
    );
  }

  /** Whether the branch is elsewhere than it was left, as where the user has committed. */
  async hasMoved(): Promise<boolean> {
    const { stdout } = await runGit(['rev-parse', '--verify', '--quiet', 'HEAD'], this.run);
    return stdout.trim() !== (this.status.head ?? '');
  }

  /**
   * Commits what is settled.
   *
   * @returns whether there is a new commit
   * @throws GamError as commitChanges() does; `work-in-progress` where another branch is checked out
   */
  async commit(workTree: FileTree, isRehearsal: boolean): Promise<boolean> {
    const { host, changed } = this.#around;
    const { status } = this;
    const run = { ...this.run, cwd: workTree.top };
    const { branch } = await findWorkTree(run);
    if (branch !== status.branch)
      throw new GamError(
        'work-in-progress',
        `${branch === null ? 'HEAD is at no branch' : `${printable(branch)} is checked out`}, and ${status.branch} is watched`,
        { suggestion: `git switch ${status.branch}` },
      );
    const tell = (line: string) => this.tell(line);
    const done = await commitChanges(this.listed, workTree, { run, host, isRehearsal, tell });
    const known = new Set(status.leftOut.map(({ path }) => path));
    status.growing = done.growing.length;
    status.leftOut = firstOf(
      done.leftOut.map(({ path, why }) => ({ path: keptJson({ path, aside: null }).path, why })),
    );
    for (const { path, why } of status.leftOut)
      if (!known.has(path)) this.tell(`${path} ${why}: not committed`);
    if (isRehearsal && done.paths.length > 0) this.tell(`would commit ${many(done.paths)}`);
    if (done.oid === null) return false;
    Object.assign(status, { head: done.oid, lastCommit: new Date().toISOString(), ahead: true });
    this.tell(`committed ${many(done.paths)}, ${done.oid.slice(0, 12)}`);
    changed();
    return true;
  }

  /**
   * Exchanges the branch with its remote.
   *
   * @param knownTip where the branch was seen there a moment ago; undefined where nobody has looked
   * @returns what that was
   * @throws GamError as sync() does
   */
  async sync(isRehearsal: boolean, knownTip?: string | null): Promise<Exchanged['kind']> {
    const synced = await sync({
      run: this.run,
      ...this.named,
      onConflict: this.listed.onConflict,
      allowUnrelated: false,
      allowDirty: true,
      isRehearsal,
      once: false,
      patienceMs: PATIENCE_MS,
      pid: this.#around.pid,
      ...(knownTip === undefined ? {} : { knownTip }),
    });
    if (synced === null) return 'nothing';
    const time = new Date().toISOString();
    const { status } = this;
    const kept = latest(
      status.kept,
      synced.kept.map((one) => ({ ...keptJson(one), time })),
    );
    Object.assign(status, { head: synced.after, lastSync: time, ahead: false, kept });
    for (const one of synced.kept) this.tell(keptLine(one));
    if (synced.kind !== 'up-to-date' && synced.kind !== 'nothing') this.tell(syncedLine(synced, isRehearsal));
    this.become('in-step', null);
    this.#around.changed();
    return synced.kind;
  }
}
