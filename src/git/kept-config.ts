import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type ConfigEntry, parseConfigOrigins } from '../config/entries.ts';
import type { Environment } from './environment.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** For how long a configuration is kept at most, in milliseconds, since a file may come to be where nobody looks. */
const LONGEST_KEPT = 60_000;

/** A configuration, and the files on which it depends, whether they are there or not. */
export interface ConfigAndFiles {
  entries: ConfigEntry[];
  files: string[];
}

/** Where the user's and the system's configuration may be (git-config(1), "FILES" and "ENVIRONMENT"). */
export function sharedConfigFiles(env: Environment): string[] {
  const { GIT_CONFIG_GLOBAL, GIT_CONFIG_SYSTEM = '/etc/gitconfig', HOME = '/', XDG_CONFIG_HOME } = env;
  const own = [join(HOME, '.gitconfig'), join(XDG_CONFIG_HOME || join(HOME, '.config'), 'git/config')];
  return [GIT_CONFIG_SYSTEM, ...(GIT_CONFIG_GLOBAL === undefined ? own : [GIT_CONFIG_GLOBAL])];
}

// What an include names is relative to the file that says so (git-config(1), "Includes").
function included({ section, name, value }: ConfigEntry, file: string, env: Environment): string[] {
  if (!['include', 'includeif'].includes(section) || name !== 'path' || !value) return [];
  const path = value.startsWith('~/') ? join(env['HOME'] ?? '/', value.slice(2)) : value;
  return [isAbsolute(path) ? path : join(dirname(file), path)];
}

/**
 * Reads a configuration together with the files that it came from.
 * @param options where git runs, and by what environment
 * @param args of git itself, before `config`
 * @param of which configuration, such as `--file <file>`; all of it where nothing is said
 */
export async function readConfigAndFiles(
  options: RunOptions & { cwd: string; env: Environment },
  args: readonly string[],
  of: readonly string[] = [],
): Promise<ConfigAndFiles> {
  const words = [...args, 'config', ...of, '--includes', '--list', '-z', '--show-origin'];
  const read = parseConfigOrigins(await gitOutput(words, options));
  const files = read.flatMap(({ file, entry }) => {
    if (file === null) return [];
    const path = resolve(options.cwd, file);
    return [path, ...included(entry, path, options.env)];
  });
  return { entries: read.map(({ entry }) => entry), files };
}

async function marksOf(files: readonly string[]): Promise<string> {
  const marks = files.map(async (file) => {
    const seen = await stat(file).catch(() => null);
    return seen === null ? '-' : [seen.ino, seen.size, seen.mtimeMs, seen.ctimeMs].join();
  });
  return (await Promise.all(marks)).join(' ');
}

/**
 * A configuration that is kept for as long as the files do not change on which it depends: a look at half a dozen files is
 * a tenth of a process.
 */
export class KeptConfig {
  readonly #readNow: () => Promise<ConfigAndFiles | null>;
  #files: string[];
  #kept: { entries: ConfigEntry[]; marks: string; at: number } | null = null;
  #reading: Promise<ConfigEntry[] | null> | null = null;

  /**
   * @param readNow reads it; null where it cannot now
   * @param files those that are known to count before it was read
   */
  constructor(readNow: () => Promise<ConfigAndFiles | null>, files: readonly string[]) {
    this.#readNow = readNow;
    this.#files = [...new Set(files)];
  }

  /** What it says; the same array as long as nothing has changed. Null where it cannot be read now. */
  async entries(): Promise<ConfigEntry[] | null> {
    const kept = this.#kept;
    if (kept !== null && performance.now() - kept.at < LONGEST_KEPT)
      if (kept.marks === (await marksOf(this.#files))) return kept.entries;
    // Whoever comes meanwhile waits for the same process.
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  // A file is looked at before it is read, so that no change falls between; where one turns up only by reading, once more.
  async #read(): Promise<ConfigEntry[] | null> {
    for (;;) {
      const marks = await marksOf(this.#files);
      const read = await this.#readNow();
      if (read === null) return null;
      const files = [...new Set([...this.#files, ...read.files])];
      const isWhole = files.length === this.#files.length;
      this.#files = files;
      if (!isWhole) continue;
      this.#kept = { entries: read.entries, marks, at: performance.now() };
      return read.entries;
    }
  }
}
