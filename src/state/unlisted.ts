import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../git/environment.ts';
import { unlistedFolder } from './folder.ts';
import { makeRoom } from './own-folder.ts';

/** For how long a server without a list is not asked whether it has one by now, in milliseconds. The launcher knows it, too. */
const LASTING = 24 * 3_600_000;

/** Of so many servers in all; each is an empty file. */
const MOST_MARKS = 512;

/** The longest name, in characters; a file's may have 255 bytes. */
const LONGEST_NAME = 200;

/**
 * The name by which the launcher finds the mark of a URL, without a process (bin/git-remote-mirror, may_have_list).
 * @returns null for a URL of which nothing is remembered, since it is long, or may hold a login
 */
export function markName(url: string): string | null {
  const name = url.replaceAll('/', '!');
  const web = /^https?:/.test(url);
  const plain = web ? /^[^/]*\/\/[^!?#@\s]*$/.test(url) : /^[^!?#\s]*$/.test(url) && !/:[^@/]*@/.test(url);
  return plain && name !== '' && name.length <= LONGEST_NAME ? name : null;
}

function fileFor(url: string, env: Environment): string | null {
  const [folder, name] = [unlistedFolder(env), markName(url)];
  return folder === null || name === null ? null : join(folder, name);
}

/** Whether canonical may have a list: it is not known to have none, and what it says can be remembered. */
export function mayHaveList(url: string, env: Environment): boolean {
  const file = fileFor(url, env);
  if (file === null) return false;
  try {
    const mark = statSync(file, { throwIfNoEntry: false });
    return mark === undefined || Date.now() - mark.mtimeMs >= LASTING;
  } catch {
    return false;
  }
}

/**
 * Remembers that canonical has no list, or none that is of use. Fails silently: then it is asked again.
 * @param lasting for how many milliseconds, a day at most
 */
export function markUnlisted(url: string, env: Environment, lasting = LASTING): void {
  const file = fileFor(url, env);
  if (file === null) return;
  try {
    const folder = join(file, '..');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    makeRoom(folder, MOST_MARKS, LASTING);
    writeFileSync(file, '');
    const since = new Date(Date.now() - Math.max(0, LASTING - lasting));
    utimesSync(file, since, since);
  } catch {
    // A full disk, a home that cannot be written to.
  }
}

/** Takes the mark away. */
export function unmarkUnlisted(url: string, env: Environment): void {
  const file = fileFor(url, env);
  try {
    if (file !== null) rmSync(file, { force: true });
  } catch {
    // It counts for a day at most.
  }
}
