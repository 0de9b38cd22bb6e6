import { join } from 'node:path';
import { type ConfigEntry, lastValue, parseBoolean } from '../config/entries.ts';
import { type ListSettings, readMirrorList } from '../config/mirror-list.ts';
import type { Environment } from '../git/environment.ts';
import { KeptConfig, readConfigAndFiles, sharedConfigFiles } from '../git/kept-config.ts';
import { commonDirOf } from '../git/repository.ts';

/** A mirror list that is told, and the configuration that it is part of. */
export interface ToldList {
  settings: ListSettings;
  entries: readonly ConfigEntry[];
  /** For how many seconds canonical has not confirmed what is served, where that is known to be too long. */
  stale?: number | null;
}

/** Calls something that starts a process, when it may; null where it may not. */
export type InTurn = <T>(read: () => Promise<T>, signal: AbortSignal) => Promise<T | null>;

/** So many repositories have their configuration kept. */
const KEPT = 1000;

/**
 * What `mirrorList.*` says in a configuration; what cannot be read is told once, until that changes.
 * @param warn takes a warning
 */
export class ListReader {
  readonly #warn: (message: string) => void;
  #entries: ConfigEntry[] | null = null;
  #told: ToldList | null = null;
  #warned = '';

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** @returns null where no list is enabled, or what it would be about is not served */
  read(entries: ConfigEntry[]): ToldList | null {
    if (entries === this.#entries) return this.#told;
    this.#entries = entries;
    const { settings, warnings } = readMirrorList(entries);
    const isServed = parseBoolean(lastValue(entries, 'http', null, 'uploadpack') ?? 'true') ?? true;
    this.#told = settings.enabled && isServed ? { settings, entries } : null;
    const all = settings.enabled ? warnings.join('\n') : '';
    if (all !== this.#warned) for (const warning of warnings) this.#warn(warning);
    this.#warned = all;
    return this.#told;
  }
}

/** The mirror lists of repositories, each read when it is first asked for, and again when its configuration has changed. */
export class Lists {
  readonly #env: Environment;
  readonly #inTurn: InTurn;
  readonly #warn: (message: string) => void;
  readonly #stop = new AbortController();
  readonly #kept = new Map<string, { config: KeptConfig; reader: ListReader }>();

  /**
   * @param env that in which git serves
   * @param warn is told what is wrong with a configuration
   */
  constructor(env: Environment, inTurn: InTurn, warn: (message: string) => void) {
    this.#env = env;
    this.#inTurn = inTurn;
    this.#warn = warn;
  }

  /** The list of a repository; null where none is told. */
  async of(gitDir: string): Promise<ToldList | null> {
    const { config, reader } = this.#take(gitDir);
    const entries = await config.entries();
    return entries === null ? null : reader.read(entries);
  }

  /** The configuration of a repository; null where it cannot be read now. */
  async entries(gitDir: string): Promise<readonly ConfigEntry[] | null> {
    return this.#take(gitDir).config.entries();
  }

  /** Ends whatever reads. */
  end(): void {
    this.#stop.abort();
  }

  #take(gitDir: string): { config: KeptConfig; reader: ListReader } {
    const [longest = ''] = this.#kept.keys();
    const kept = this.#kept.get(gitDir) ?? this.#open(gitDir);
    if (!this.#kept.delete(gitDir) && this.#kept.size >= KEPT) this.#kept.delete(longest);
    this.#kept.set(gitDir, kept);
    return kept;
  }

  #open(gitDir: string): { config: KeptConfig; reader: ListReader } {
    const env = this.#env;
    const options = { cwd: gitDir, env, signal: this.#stop.signal };
    // Looked for from inside, a repository counts only where git would serve it, by its owner (safe.directory); a bare one
    // was named by its path, and may always be found.
    const args = ['-c', 'safe.bareRepository=all'];
    const read = () => readConfigAndFiles(options, args).catch(() => null);
    const own = [
      ...['config', 'config.worktree', 'HEAD'].map((name) => join(gitDir, name)),
      join(commonDirOf(gitDir, {}), 'config'),
    ];
    return {
      config: new KeptConfig(() => this.#inTurn(read, options.signal), [...own, ...sharedConfigFiles(env)]),
      reader: new ListReader((message) => this.#warn(`${gitDir}: ${message}`)),
    };
  }
}
