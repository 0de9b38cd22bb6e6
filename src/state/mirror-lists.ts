import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AcceptPattern } from '../config/accept.ts';
import type { Environment } from '../git/environment.ts';
import { type KeptList, NO_LIST, parseKeptList, writeKeptList } from '../mirror/kept-list.ts';
import { judgeOffers, LIST_SOURCES, type ListSource, type Offer } from '../mirror/offers.ts';
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
function fileFor(url: string, env: Environment, source: ListSource): string | null {
  const folder = listsFolder(env, source);
  return folder === null || redactUrl(url) !== url ? null : join(folder, shortHash(url));
}

/**
 * What lists have named as mirrors of canonical, judged by what the user accepts: the server's own list, and behind it, since it
 * has less authority, the one that was published there.
 */
export function recallOffers(
  canonical: string,
  accepted: readonly AcceptPattern[],
  env: Environment,
): Offer[] {
  return LIST_SOURCES.flatMap((source) =>
    judgeOffers(recallList(canonical, env, source)?.mirrors ?? [], source, canonical, accepted),
  );
}

/** The list of canonical that came last, for whichever clone of it; null where none is remembered. */
export function recallList(url: string, env: Environment, source: ListSource = 'server'): KeptList | null {
  const file = fileFor(url, env, source);
  try {
    const found = file === null ? null : readOwnFile(file, LARGEST);
    return found && parseKeptList(found.text, url, source);
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
  source: ListSource = 'server',
): Promise<boolean> {
  const file = fileFor(url, env, source);
  if (file === null) return false;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    makeRoom(dirname(file), MOST_LISTS, LASTING);
    return await replaceLocked(file, PATIENCE, () =>
      writeKeptList(change(recallList(url, env, source) ?? NO_LIST), url, source),
    );
  } catch {
    return false;
  }
}

/** Forgets it. @returns whether there was one */
export function forgetList(url: string, env: Environment, source: ListSource = 'server'): boolean {
  const known = recallList(url, env, source) !== null;
  const file = fileFor(url, env, source);
  try {
    if (file !== null) rmSync(file, { force: true });
  } catch {
    return false;
  }
  return known;
}
