import { existsSync, readdirSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { allValues } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { MIRROR_NAMESPACE } from '../mirror/staged.ts';
import { CLONE_OPTIONS, operands } from '../protocol/command-words.ts';
import { readConfigFile } from './config-file.ts';
import { type Environment, withoutRepository } from './environment.ts';
import { countQuarantines } from './quarantine.ts';
import { gitOutput } from './run.ts';

/** The folder that git makes of a URL where none is named (dir.c, git_url_basename()). */
export function folderOf(url: string): string {
  const path = url
    .replace(/^mirror::/, '')
    .replace(/^[^:/]*:\/\//, '')
    .replace(/[\s/]+$/, '')
    .replace(/\/+\.git$/, '');
  return (path.split(/[/:]/).at(-1) ?? '').replace(/\.git$/, '');
}

/**
 * Removes what a `git clone` through gam has left that was killed outright, where this one is to go: git would refuse, and
 * the user could not go on by the same command. It must be a clone of the very URL that nobody works on any more: with
 * traces of gam's, and with nothing else, neither a ref nor a file.
 *
 * @param words of the `git clone` that is to be run
 * @returns the folder; null when there was none
 */
export async function removeBrokenClone(
  [, ...words]: readonly string[],
  env: Environment,
  cwd: string,
): Promise<string | null> {
  const [url, named] = operands(words, CLONE_OPTIONS).map((at) => words[at] ?? '');
  if (!url) return null;
  const folder = resolve(cwd, named ?? folderOf(url));
  for (const gitDir of [join(folder, '.git'), folder, `${folder}.git`]) {
    if (!existsSync(join(gitDir, 'HEAD')) || !(await isBroken(gitDir, url, env))) continue;
    await rm(gitDir, { recursive: true, force: true });
    // As in `gam clone <url> .`
    const isHere = resolve(cwd) === folder;
    if (basename(gitDir) === '.git' && !isHere) await rmdir(folder).catch(() => undefined);
    return basename(gitDir) === '.git' ? folder : gitDir;
  }
  return null;
}

async function isBroken(gitDir: string, url: string, env: Environment): Promise<boolean> {
  const options = { env: withoutRepository(env), cwd: gitDir };
  const entries = await readConfigFile(join(gitDir, 'config'), options);
  if (!readRemotes(entries).some(({ name }) => allValues(entries, 'remote', name, 'url').includes(url)))
    return false;
  const hasFiles = basename(gitDir) === '.git' && readdirSync(dirname(gitDir)).length > 1;
  if (hasFiles || existsSync(join(gitDir, 'index'))) return false;
  const list = ['--git-dir=.', 'for-each-ref', '--format=%(refname)'];
  const refs = (await gitOutput(list, options)).split('\n').filter((name) => name !== '');
  const { living, left } = await countQuarantines(join(gitDir, 'objects'));
  const traces = left > 0 || refs.length > 0;
  return traces && living === 0 && refs.every((name) => name.startsWith(MIRROR_NAMESPACE));
}
