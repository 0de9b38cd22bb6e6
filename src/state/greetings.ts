import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../git/environment.ts';
import type { Advertisement } from '../protocol/advertisement.ts';
import { shortHash } from '../protocol/digest.ts';
import { parseKeptGreeting, writeKeptGreeting } from '../protocol/kept-greeting.ts';
import { redactUrl } from '../protocol/redact.ts';
import { greetingsFolder } from './folder.ts';
import { replaceLocked } from './lock.ts';
import { readOwnFile } from './own-file.ts';

/**
 * How long a greeting counts, in milliseconds. The launcher knows it, too (bin/lead-in.pl). After that canonical is asked
 * again, be it only for a word: so nobody goes on for longer with what it has withdrawn.
 */
const LASTING = 10 * 60_000;

/** A greeting takes a few hundred bytes. */
const LARGEST = 4096;

/** Of so many servers in all. */
const MOST_GREETINGS = 64;

/** How long another's writing may hold this one up, in milliseconds. */
const PATIENCE = 20;

// No login is written down, and a URL that holds one is not remembered at all.
function fileFor(url: string, env: Environment): string | null {
  const folder = greetingsFolder(env);
  return folder === null || redactUrl(url) !== url ? null : join(folder, shortHash(url));
}

/**
 * What canonical said lately of what it can do, as far as that tells how requests to it are worded.
 * @returns null where that is not known, or was too long ago
 */
export function recallGreeting(url: string, env: Environment): Advertisement | null {
  const file = fileFor(url, env);
  if (file === null) return null;
  try {
    const found = readOwnFile(file, LARGEST);
    if (found === null || Math.abs(Date.now() - found.written) > LASTING) return null;
    return parseKeptGreeting(found.text, url);
  } catch {
    return null;
  }
}

/** Remembers what canonical has just said. Fails silently: it is worth two round trips the next time. */
export async function rememberGreeting(
  url: string,
  greeting: Advertisement,
  env: Environment,
): Promise<void> {
  const file = fileFor(url, env);
  const text = writeKeptGreeting(url, greeting);
  if (file === null || text.length > LARGEST || parseKeptGreeting(text, url) === null) return;
  try {
    const folder = join(file, '..');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!hasRoom(folder)) return;
    await replaceLocked(file, PATIENCE, () => text);
  } catch {
    // A full disk, a home that cannot be written to.
  }
}

/** Forgets it, so that canonical's line is opened at once the next time: no mirror was of use. */
export function forgetGreeting(url: string, env: Environment): void {
  const file = fileFor(url, env);
  try {
    if (file !== null) rmSync(file, { force: true });
  } catch {
    // Then it counts for some minutes more.
  }
}

// Those that count no more go first.
function hasRoom(folder: string): boolean {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  if (paths.length < MOST_GREETINGS) return true;
  const counts = (path: string) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && Math.abs(Date.now() - found.mtimeMs) <= LASTING;
  };
  const old = paths.filter((path) => !counts(path));
  for (const path of old) rmSync(path, { force: true });
  return old.length > 0;
}
