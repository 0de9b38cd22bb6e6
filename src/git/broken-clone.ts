import { existsSync, readdirSync } from 'node:fs';
import { rm, rmdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { allValues } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { MIRROR_NAMESPACE } from '../mirror/staged.ts';
import { CLONE_OPTIONS, operands } from '../protocol/command-words.ts';
import { readConfigFile } from './config-file.ts';
import { type Environment, withoutRepository } from './environment.ts';
import { countQuarantines } from './quarantine.ts';
import { gitOutput } from './run.ts';
import { type CloneState, cloneState } from './unfinished-clone.ts';

/** git makes the repository of a clone within so many milliseconds. */
const MADE_WITHIN = 5000;

/** The folder that git makes of a URL where none is named (dir.c, git_url_basename()). */
export function folderOf(url: string): string {
  const path = url
    .replace(/^mirror::/, '')
    .replace(/^[^:/]*:\/\//, '')
    .replace(/[\s/]+$/, '')
    .replace(/\/+\.git$/, '');
  return (path.split(/[/:]/).at(-1) ?? '').replace(/\.git$/, '');
}

/** Where a `git clone` goes, and what it clones. */
export interface CloneTarget {
  url: string;
  /** The folder that it makes, an absolute path. */
  folder: string;
  /** Its repository: in it, or the folder itself. */
  gitDir: string;
}

// git takes any beginning of a long option that no other one has.
function isBare(word: string): boolean {
  return /^--(?:ba|m)/.test(word) && ['--bare', '--mirror'].some((option) => option.startsWith(word));
}

/**
 * @param words of a `git clone`
 * @returns null where they name no URL
 */
export function cloneTarget([, ...words]: readonly string[], cwd: string): CloneTarget | null {
  const [url, named] = operands(words, CLONE_OPTIONS).map((at) => words[at] ?? '');
  if (!url) return null;
  const bare = words.some(isBare);
  const folder = resolve(cwd, named ?? folderOf(url) + (bare ? '.git' : ''));
  return { url, folder, gitDir: bare ? folder : join(folder, '.git') };
}

/** Whether a clone can go there, as git sees it (builtin/clone.c): nothing is there, or an empty folder. */
export function isFree(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return !existsSync(folder);
  }
}

/** What was found where a clone is to go. */
export type Found = { state: 'removed' | 'complete'; folder: string };

/**
 * Looks at what a `git clone` through gam has left that was killed outright, where this one is to go: git would refuse, and
 * the user could not go on by the same command. What is not finished is removed: a clone of the very URL that nobody works on
 * any more, with traces of gam's, and with nothing else, neither a ref nor a file; or, where this very command is known to
 * have been killed there, with no more than git had made by then.
 *
 * @param words of the `git clone` that is to be run
 * @param begun when this very command began a clone there that was killed; milliseconds since the epoch, null: never
 * @returns null when there was nothing, or nothing that is sure to be gam's
 */
export async function settleBrokenClone(
  words: readonly string[],
  begun: number | null,
  env: Environment,
  cwd: string,
): Promise<Found | null> {
  const target = cloneTarget(words, cwd);
  if (target === null || !existsSync(target.gitDir)) return null;
  const { folder } = target;
  const outside = withoutRepository(env);
  const state = begun === null ? 'unclear' : await begunState(target, begun, words, outside);
  if (state === 'complete') return { state, folder };
  if (state !== 'unfinished' && !(await isBroken(target, outside))) return null;
  await removeClone(folder, cwd);
  return { state: 'removed', folder };
}

async function begunState(
  target: CloneTarget,
  begun: number,
  words: readonly string[],
  env: Environment,
): Promise<CloneState> {
  const { birthtimeMs } = await stat(target.gitDir);
  // Before it has written the remote's URL, it is the only one that makes a repository there at that time.
  const its = Math.abs(birthtimeMs - begun) < MADE_WITHIN || (await isOfUrl(target, env));
  const state = its ? await cloneState(target.gitDir, env) : 'unclear';
  // Submodules come when all else is there, and which of them are is not known.
  return state === 'complete' && words.some((word) => word.startsWith('--rec')) ? 'unclear' : state;
}

// The repository goes last: as long as it is there, a removal that is killed can be gone on with.
async function removeClone(folder: string, cwd: string): Promise<void> {
  const last = (name: string) => Number(name === '.git');
  for (const name of readdirSync(folder).sort((a, b) => last(a) - last(b)))
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  // As in `gam clone <url> .`
  if (resolve(cwd) !== folder) await rmdir(folder);
}

async function isOfUrl({ url, gitDir }: CloneTarget, env: Environment): Promise<boolean> {
  const entries = await readConfigFile(join(gitDir, 'config'), { env, cwd: gitDir });
  return readRemotes(entries).some(({ name }) => allValues(entries, 'remote', name, 'url').includes(url));
}

async function isBroken(target: CloneTarget, env: Environment): Promise<boolean> {
  const { gitDir, folder } = target;
  if (!existsSync(join(gitDir, 'HEAD')) || !(await isOfUrl(target, env))) return false;
  const hasFiles = gitDir !== folder && readdirSync(folder).length > 1;
  if (hasFiles || existsSync(join(gitDir, 'index'))) return false;
  const list = ['--git-dir=.', 'for-each-ref', '--format=%(refname)'];
  const text = await gitOutput(list, { env, cwd: gitDir });
  const refs = text.split('\n').filter((name) => name !== '');
  const { living, left } = await countQuarantines(join(gitDir, 'objects'));
  const traces = left > 0 || refs.length > 0;
  return traces && living === 0 && refs.every((name) => name.startsWith(MIRROR_NAMESPACE));
}
