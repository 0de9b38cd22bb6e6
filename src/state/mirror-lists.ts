import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AcceptPattern } from '../config/accept.ts';
import type { Environment } from '../git/environment.ts';
import { type KeptList, NO_LIST, parseKeptList, writeKeptList } from '../mirror/kept-list.ts';
import { judgeOffers, type Offer } from '../mirror/offers.ts';
import { shortHash } from '../protocol/digest.ts';
import { redactUrl } from '../protocol/redact.ts';
import { listsFolder } from './folder.ts';
import { replaceLocked } from './lock.ts';
import { readOwnFile } from './own-file.ts';
import { makeRoom } from './own-folder.ts';

/** A list that is larger was not written here: 64 URLs of 2,048 characters, which JSON may double. */
const LARGEST = 300_000;

/** Of so many servers in all. */
const MOST_LISTS = 256;

/** A list that nobody has asked for anew for so long is the first to go, in milliseconds: twelve weeks. */
const LASTING = 12 * 7 * 24 * 3_600_000;

/** How long another's writing may hold this one up, in milliseconds. */
const PATIENCE = 100;

// No login is written down, and a URL that holds one is not remembered at all.
function fileFor(url: string, env: Environment): string | null {
  const folder = listsFolder(env);
  return folder === null || redactUrl(url) !== url ? null : join(folder, shortHash(url));
}

/**
 * What lists have named as mirrors of canonical, judged by what the user accepts: the server's own list. That of a published
 * ref has less authority, and its place is behind.
 */
export function recallOffers(
  canonical: string,
  accepted: readonly AcceptPattern[],
  env: Environment,
): Offer[] {
  return judgeOffers(recallList(canonical, env)?.mirrors ?? [], 'server', canonical, accepted);
}

/** The list that canonical sent last, from whichever repository of it; null where none is remembered. */
export function recallList(url: string, env: Environment): KeptList | null {
  const file = fileFor(url, env);
  try {
    const found = file === null ? null : readOwnFile(file, LARGEST);
    return found && parseKeptList(found.text, url);
  } catch {
    return null;
  }
}

/**
 * Changes what is remembered of canonical's list, under a lock, on top of what others have written meanwhile.
 * @returns false when it was given up: there is no home, it cannot be written, or others held the lock
 */
export async function rememberList(
  url: string,
  change: (kept: KeptList) => KeptList,
  env: Environment,
): Promise<boolean> {
  const file = fileFor(url, env);
  if (file === null) return false;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    makeRoom(dirname(file), MOST_LISTS, LASTING);
    return await replaceLocked(file, PATIENCE, () =>
      writeKeptList(change(recallList(url, env) ?? NO_LIST), url),
    );
  } catch {
    return false;
  }
}

/** Forgets it. @returns whether there was one */
export function forgetList(url: string, env: Environment): boolean {
  const known = recallList(url, env) !== null;
  const file = fileFor(url, env);
  try {
    if (file !== null) rmSync(file, { force: true });
  } catch {
    return false;
  }
  return known;
}
