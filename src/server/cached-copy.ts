import { readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is known of a repository that a cache has. */
export interface CachedCopy {
  /** Canonical's URL, as it was fetched from. */
  url: string;
  /** When canonical has last said that it is as it is here, in milliseconds since the epoch. */
  confirmed: number;
  /** Canonical gives it to us no more, so nobody gets it here. */
  isGone: boolean;
}

/** How much of the disk a copy takes, and who needs it. */
export interface CopySize {
  bytes: number;
  /** Milliseconds since the epoch. */
  used: number;
  isGone: boolean;
}

// Files in the repository, of which git knows nothing: they come and go with it, several servers see the same, and none has
// to be locked. The first holds the URL, and was written when canonical has confirmed it; the second holds the bytes, and was
// written when a client has come for it.
const CONFIRMED = 'gam-confirmed';
const USED = 'gam-used';
const GONE = 'gam-gone';

const mtime = (path: string) =>
  stat(path).then(
    (found) => Math.round(found.mtimeMs),
    () => null,
  );

/** What is in a folder; null where there is no copy, or where a symbolic link leads to another place. */
export async function readCopy(gitDir: string): Promise<CachedCopy | null> {
  const place = await realpath(gitDir).catch(() => null);
  if (place !== gitDir) return null;
  const [url, confirmed, gone] = await Promise.all([
    readFile(join(gitDir, CONFIRMED), 'utf8').catch(() => null),
    mtime(join(gitDir, CONFIRMED)),
    mtime(join(gitDir, GONE)),
  ]);
  return url === null || confirmed === null ? null : { url, confirmed, isGone: gone !== null };
}

/** Notes that a copy was as canonical's at a time, in milliseconds since the epoch. */
export async function confirmCopy(gitDir: string, url: string, at: number): Promise<void> {
  const file = join(gitDir, CONFIRMED);
  await writeFile(file, url);
  await utimes(file, at / 1000, at / 1000);
  await rm(join(gitDir, GONE), { force: true });
}

/** Notes that canonical gives it to us no more. */
export async function markGone(gitDir: string): Promise<void> {
  await writeFile(join(gitDir, GONE), '');
}

/** Notes that somebody has come for it. */
export async function markUsed(gitDir: string): Promise<void> {
  const now = new Date();
  await utimes(join(gitDir, USED), now, now).catch(() => undefined);
}

async function bytesOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Counts the bytes of a copy, and notes them; whoever counted has used it. */
export async function measureCopy(gitDir: string): Promise<number> {
  const bytes = await bytesOf(gitDir);
  await writeFile(join(gitDir, USED), String(bytes));
  return bytes;
}

/** What was noted of a copy's size; null where there is none, or another server is still at it. */
export async function sizeOfCopy(gitDir: string): Promise<CopySize | null> {
  const file = join(gitDir, USED);
  const [text, used, gone] = await Promise.all([
    readFile(file, 'utf8').catch(() => null),
    mtime(file),
    mtime(join(gitDir, GONE)),
  ]);
  return text === null || used === null ? null : { bytes: Number(text) || 0, used, isGone: gone !== null };
}
