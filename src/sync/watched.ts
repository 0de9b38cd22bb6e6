import { existsSync } from 'node:fs';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { writeKey } from '../config/edit.ts';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import { addConfigValue, readConfigFile, setConfigValue } from '../git/config-file.ts';
import type { Environment } from '../git/environment.ts';
import { gitOutput, runGit } from '../git/run.ts';
import { findWorkTree } from '../git/work-tree.ts';
import { printable } from '../protocol/text.ts';
import { listedFolders } from './daemon.ts';
import { findPair, type Pair } from './pair.ts';
import type { WatchPlaces } from './places.ts';

/** What a user says of a folder that is to be watched: values as in the list. */
export interface FolderWords {
  remote?: string | undefined;
  branch?: string | undefined;
  delay?: string | undefined;
  message?: string | undefined;
  onConflict?: string | undefined;
  sizeLimit?: string | undefined;
  ignore?: readonly string[] | undefined;
}

async function topOf(dir: string, env: Environment): Promise<string> {
  const { top } = await findWorkTree({ cwd: dir, env });
  if (top !== null) return realpath(top);
  throw new GamError('not-a-repository', `${printable(dir)} is a bare repository, without files to watch`, {
    suggestion: 'git clone it into a folder',
  });
}

/**
 * Puts a folder on the list, or changes what is said of it there.
 *
 * @param dir absolute; anything within the folder will do
 * @throws GamError `not-a-repository`, `usage`, `unknown-remote`; nothing was changed then
 */
export async function addWatched(
  dir: string,
  words: FolderWords,
  places: WatchPlaces,
  env: Environment,
): Promise<{ dir: string; isNew: boolean } & Pair> {
  const top = await topOf(dir, env);
  if (/[\n\0]/.test(top))
    throw new GamError('usage', `${printable(top)}: git's configuration cannot hold a name with a line end`);
  const run = { cwd: top, env };
  const { branch } = await findWorkTree(run);
  const pair = findPair(await readConfig(run), branch, words);
  // A name that no branch can have would be waited for without an end.
  if ((await runGit(['check-ref-format', `refs/heads/${pair.branch}`], run)).status !== 0)
    throw new GamError('usage', `'${printable(pair.branch)}' is no name for a branch`);
  const { folders } = await listedFolders(places, env);
  const known = folders.find((folder) => folder.dir === top);
  await mkdir(dirname(places.list), { recursive: true });
  if (!existsSync(places.list)) await writeFile(places.list, '', { flag: 'a' });
  const { ignore = [], ...single } = words;
  const key = (name: string) => ({ section: 'folder', subsection: top, name });
  for (const [name, value] of Object.entries(single))
    if (value !== undefined) await setConfigValue(places.list, key(name), value, { env });
  for (const pattern of new Set(ignore))
    if (!known?.ignore.includes(pattern)) await addConfigValue(places.list, key('ignore'), pattern, { env });
  // A section of its own, also where nothing is said of the folder.
  if (known === undefined) await setConfigValue(places.list, key('watch'), 'true', { env });
  return { dir: top, isNew: known === undefined, ...pair };
}

/**
 * Takes a folder off the list; its files, its commits and its remote stay as they are.
 * @throws GamError `usage` where it is not there
 */
export async function removeWatched(dir: string, places: WatchPlaces, env: Environment): Promise<string> {
  const { folders } = await listedFolders(places, env);
  const names = new Set([dir, await realpath(dir).catch(() => dir), await topOf(dir, env).catch(() => dir)]);
  const found = folders.find((folder) => names.has(folder.dir));
  if (found === undefined)
    throw new GamError('usage', `${printable(dir)} is not watched`, {
      suggestion:
        folders.length === 0 ? 'gam watch add <dir> adds one' : 'gam watch status lists those that are',
    });
  const entries = await readConfigFile(places.list, { env });
  const written = entries.flatMap(({ section, subsection, name }) =>
    section === 'folder' && subsection !== null && resolve(subsection) === found.dir
      ? [writeKey({ section, subsection, name })]
      : [],
  );
  // Not --remove-section: git 2.39 finds no section with a bracket in its name.
  for (const key of new Set(written))
    await gitOutput(['config', '--file', places.list, '--unset-all', key], { env });
  return found.dir;
}
