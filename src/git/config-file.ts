import { existsSync } from 'node:fs';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { type ConfigKey, withoutEntry, writeKey } from '../config/edit.ts';
import { type ConfigEntry, parseConfigList } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { gitOutput, type RunOptions, runGit } from './run.ts';
import { reasonIn } from './said.ts';

/**
 * What one config file says, without its includes; nothing when it does not exist.
 * @throws GamError `bad-config` with the line that git cannot read
 */
export async function readConfigFile(file: string, options: RunOptions): Promise<ConfigEntry[]> {
  if (!existsSync(file)) return [];
  const { status, stdout, stderr } = await runGit(['config', '--file', file, '--list', '-z'], options);
  if (status === 0) return parseConfigList(stdout);
  // In the user's language: nothing is decided by it.
  throw new GamError('bad-config', reasonIn(stderr), {
    suggestion: `mend it by hand: git config --edit --file ${printable(file)}`,
  });
}

/** Adds a value to a variable that may have several. */
export async function addConfigValue(
  file: string,
  key: ConfigKey,
  value: string,
  options: RunOptions,
): Promise<void> {
  await gitOutput(['config', '--file', file, '--add', writeKey(key), value], options);
}

/** Gives a variable one value, whatever it had. */
export async function setConfigValue(
  file: string,
  key: ConfigKey,
  value: string,
  options: RunOptions,
): Promise<void> {
  await gitOutput(['config', '--file', file, '--replace-all', writeKey(key), value], options);
}

/** Replaces a file as git does: by `<file>.lock` and rename, through a symbolic link, with the same mode. */
export async function replaceFile(file: string, content: Buffer): Promise<void> {
  const real = await realpath(file);
  const lock = `${real}.lock`;
  const { mode } = await stat(real);
  const handle = await open(lock, 'wx', mode).catch((cause: unknown) => {
    const suggestion = `if no git is running, remove ${lock}`;
    throw new GamError('bad-config', `cannot lock ${real}`, { suggestion, cause });
  });
  try {
    await handle.writeFile(content);
    await handle.close();
    await rename(lock, real);
  } catch (error) {
    await rm(lock, { force: true });
    throw error;
  }
}

/**
 * Removes every occurrence of exactly this value, and the section when that leaves it empty. A value that
 * was written by hand, in another form than git's, is left to `git config --unset-all`.
 */
export async function removeConfigValue(
  file: string,
  key: ConfigKey,
  value: string,
  options: RunOptions,
): Promise<void> {
  const before = (await readFile(file)).toString('latin1');
  let text = before;
  for (let next: string | null = text; next !== null; next = withoutEntry(text, key, value)) text = next;
  if (text !== before) await replaceFile(file, Buffer.from(text, 'latin1'));
  const wanted = { ...key, name: key.name.toLowerCase() };
  const left = await readConfigFile(file, options);
  const still = left.some(
    (entry) =>
      entry.section === wanted.section.toLowerCase() &&
      entry.subsection === wanted.subsection &&
      entry.name === wanted.name &&
      entry.value === value,
  );
  if (!still) return;
  // --fixed-value needs git 2.30; a quoted extended regular expression does the same since ever.
  const pattern = `^${value.replace(/[.[\]{}()*+?|^$\\]/g, String.raw`\$&`)}$`;
  await gitOutput(['config', '--file', file, '--unset-all', writeKey(key), pattern], options);
}
