import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ConfigEntry } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { enterRepo } from '../git/enter-repo.ts';
import type { Environment } from '../git/environment.ts';
import type { RunOptions } from '../git/run.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { isPlainWeb } from '../transport/plain-web.ts';
import type { WebTip } from '../transport/web-tip.ts';
import type { Pair } from './pair.ts';
import { remoteTip, type ServerOptions } from './server.ts';

/** What tells, again and again, whether a branch at a remote has moved. */
export interface Lookout {
  /** Milliseconds between two looks. */
  readonly every: number;
  /**
   * @returns `mark` is another one when the branch has moved; `tip` is where it stands (null: nowhere), undefined where that is not known
   * @throws Error where the remote cannot be reached
   */
  look(signal: AbortSignal): Promise<{ mark: string; tip?: string | null }>;
  close(): Promise<void>;
}

/** A look over a line that is kept open costs a millisecond, and one that starts git and a login some twenty. */
const NEAR_MS = 1000;
const FAR_MS = 10_000;
const TIMEOUT_MS = 10_000;
/** Where git had to ask, the line is tried again after this time. */
const AGAIN_MS = 300_000;

/** git asks. */
function byGit(pair: Pair, server: ServerOptions): Lookout {
  return {
    every: FAR_MS,
    look: async () => {
      const tip = await remoteTip(pair.remoteRef, server);
      return { mark: tip ?? '', tip };
    },
    close: async () => undefined,
  };
}

/** Where the refs are that a repository shares with its linked work trees (gitrepository-layout(5), "commondir"). */
function commonDir(gitDir: string): string {
  try {
    return resolve(gitDir, readFileSync(join(gitDir, 'commondir'), 'utf8').trim());
  } catch {
    return gitDir;
  }
}

/** The files of a repository on this machine tell by their times (gitrepository-layout(5)), for as long as it is there. */
class ByFiles implements Lookout {
  readonly #path: string;
  readonly #ref: string;
  readonly #run: RunOptions;
  readonly #other: Lookout;
  #isThere = true;

  constructor(path: string, ref: string, run: RunOptions, other: Lookout) {
    this.#path = path;
    this.#ref = ref;
    this.#run = run;
    this.#other = other;
  }

  get every(): number {
    return this.#isThere ? NEAR_MS : this.#other.every;
  }

  async look(signal: AbortSignal): Promise<{ mark: string; tip?: string | null }> {
    const gitDir = await enterRepo(this.#path, false, { ...this.#run, cwd: this.#run.cwd ?? '.' });
    this.#isThere = gitDir !== null;
    // On a disk that is not in the machine now; or a bundle.
    if (gitDir === null) return this.#other.look(signal);
    const found = [this.#ref, 'packed-refs', 'reftable/tables.list'].map((name) =>
      statSync(join(commonDir(gitDir), name), { throwIfNoEntry: false }),
    );
    return { mark: found.map((stats) => (stats ? `${stats.ino} ${stats.mtimeMs}` : '')).join(',') };
  }

  async close(): Promise<void> {}
}

/** A server on the web, for as long as it answers without a login. */
class ByWeb implements Lookout {
  readonly #tip: WebTip;
  readonly #other: Lookout;
  /** Until then git asks, a time of performance.now(). */
  #gitUntil = -Infinity;
  #hasAnswered = false;
  #isSeen = true;

  constructor(tip: WebTip, other: Lookout) {
    this.#tip = tip;
    this.#other = other;
  }

  get every(): number {
    return this.#isWeb && (this.#isSeen || this.#hasAnswered) ? NEAR_MS : this.#other.every;
  }

  get #isWeb(): boolean {
    return performance.now() >= this.#gitUntil;
  }

  async look(signal: AbortSignal): Promise<{ mark: string; tip?: string | null }> {
    const tip = this.#isWeb ? await this.#ask(signal) : undefined;
    if (tip !== undefined) return { mark: tip ?? '', tip };
    this.#isSeen = false;
    const look = await this.#other.look(signal);
    this.#isSeen = true;
    // git knows ways that this line does not: a login, a redirect, an authority. A server that was busy for a moment is asked again.
    if (this.#isWeb) this.#gitUntil = performance.now() + AGAIN_MS;
    return look;
  }

  async #ask(signal: AbortSignal): Promise<string | null | undefined> {
    try {
      const tip = await this.#tip.ask(signal);
      this.#hasAnswered ||= tip !== undefined;
      return tip;
    } catch (error) {
      // Without a network there is no need of a git each second that finds the same.
      if (this.#hasAnswered) throw error;
      return undefined;
    }
  }

  close(): Promise<void> {
    return this.#tip.close();
  }
}

/** What the environment says that makes a difference to such a line: certificates make none where there are none. */
function telling(scheme: string, env: Environment): Environment {
  if (scheme !== 'http') return env;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(?:git_ssl_|ssl_cert_|curl_ca_)/i.test(name)),
  );
}

/**
 * Chooses how to look at a remote.
 * @param entries git's configuration of the repository
 */
export async function lookoutFor(
  pair: Pair,
  entries: readonly ConfigEntry[],
  format: 'sha1' | 'sha256',
  server: ServerOptions,
): Promise<Lookout> {
  const other = byGit(pair, server);
  const remote = readRemotes(entries).find(({ name }) => name === pair.remote);
  if (remote === undefined) return other;
  try {
    const url = parseGitUrl(remote.canonical);
    if (url.kind === 'file') return new ByFiles(url.path, pair.remoteRef, server.run, other);
    const plain = new URL(remote.canonical);
    const isBare = plain.username === '' && plain.password === '';
    // A login that is set up for some server is of no matter where this one asks for none.
    const settings = entries.filter(({ section }) => section !== 'credential');
    if (url.kind !== 'web' || !isBare || !isPlainWeb(settings, telling(url.scheme, server.run.env ?? {})))
      return other;
    const { WebTip: Line } = await import('../transport/web-tip.ts');
    return new ByWeb(new Line(remote.canonical, pair.remoteRef, format, TIMEOUT_MS), other);
  } catch {
    return other;
  }
}
