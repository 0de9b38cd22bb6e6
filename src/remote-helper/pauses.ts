import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How long a mirror that failed a lazy fetch is left alone by those that follow. */
const PAUSE_MS = 5 * 60_000;

/** Sites that lazy fetches leave alone, and until when, in milliseconds since the epoch. */
type Pauses = ReadonlyMap<string, number>;

function pathIn(objects: string): string {
  return join(objects, 'info', 'gam-paused');
}

/** Reads lines of `<site> <until>`; what is none, or over, is left out. */
export function parsePauses(text: string, now: number): Pauses {
  const lines = text.split('\n').map((line) => line.split(' '));
  const pauses = lines.map(([site = '', until]) => [site, Number(until)] as const);
  // A clock that was set back must not make a pause longer than it was.
  return new Map(pauses.filter(([, until]) => until > now && until <= now + PAUSE_MS));
}

/** Writes the lines that parsePauses() reads. */
export function writePauses(pauses: Pauses): string {
  return [...pauses].map(([site, until]) => `${site} ${until}\n`).join('');
}

/** The sites that are paused in a repository. */
export async function pausedSites(objects: string, now: number): Promise<Set<string>> {
  const path = pathIn(objects);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return new Set();
  const pauses = parsePauses(text, now);
  if (pauses.size === 0) await rm(path, { force: true }).catch(() => undefined);
  return new Set(pauses.keys());
}

/**
 * Pauses a mirror. One command such as `git log -p` in a partial clone starts hundreds of fetches, each with a
 * helper of its own: a dead mirror would cost each of them a time-out, and each would complain. What cannot be
 * written down is no reason to fail.
 */
export async function pauseSite(objects: string, site: string, now: number): Promise<void> {
  const path = pathIn(objects);
  try {
    const before = parsePauses(await readFile(path, 'utf8').catch(() => ''), now);
    await mkdir(dirname(path), { recursive: true });
    const own = `${path}-${process.pid}`;
    await writeFile(own, writePauses(new Map([...before, [site, now + PAUSE_MS]])));
    await rename(own, path);
  } catch {
    // The next lazy fetch finds out for itself.
  }
}
