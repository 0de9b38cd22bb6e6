import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '../protocol/digest.ts';
import { printable } from '../protocol/text.ts';

/** Somebody who has fetched from a member of a group, as far as a server can tell. */
export interface Reader {
  /** An address. */
  client: string;
  /** The name of a login; null where none was needed. */
  user: string | null;
  /** How often, in the days that are kept. */
  count: number;
  /** When last, in milliseconds since the epoch. */
  last: number;
}

/** In the folder of a member. */
const FOLDER = 'readers';

/** So many days are kept. */
const DAYS = 60;

const DAY = /^\d{4}-\d{2}-\d{2}$/;

const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);

/** Writes a reader as the text of a file. */
export function writeReader({ client, user, count, last }: Reader): string {
  return `${JSON.stringify({ client, user, count, last })}\n`;
}

/**
 * Reads what writeReader() writes.
 * @returns null for anything else
 */
export function parseReader(text: string): Reader | null {
  try {
    const { client, user, count, last } = JSON.parse(text) as Record<string, unknown>;
    const isNumber = (value: unknown): value is number =>
      Number.isSafeInteger(value) && (value as number) >= 0;
    if (typeof client !== 'string' || !(user === null || typeof user === 'string')) return null;
    return isNumber(count) && isNumber(last) ? { client, user, count, last } : null;
  } catch {
    return null;
  }
}

async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => !name.includes('.'));
}

/** Notes who fetches from members; one of a server, whose notes do not meet one another. */
export class Readers {
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Notes a fetch; of repositories that are in no group nothing is kept. A note that cannot be written is left out: the fetch counts.
   * @param at milliseconds since the epoch
   */
  note(gitDir: string, client: string | null, user: string | null, at: number): Promise<void> {
    const member = join(gitDir, 'gam', 'replica');
    if (client === null || !existsSync(join(member, 'group'))) return Promise.resolve();
    const noted = this.#turn.then(() => write(join(member, FOLDER), client, user, at)).catch(() => undefined);
    this.#turn = noted;
    return noted;
  }
}

// A file for each of a day: as many as there are readers, however often they come.
async function write(folder: string, client: string, user: string | null, at: number): Promise<void> {
  const day = join(folder, dayOf(at));
  if (!existsSync(day)) {
    await mkdir(day, { recursive: true });
    const old = (await readdir(folder)).filter((name) => DAY.test(name)).sort();
    for (const name of old.slice(0, -DAYS)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const file = join(
    day,
    digest('sha256', JSON.stringify([client, user]))
      .toString('hex')
      .slice(0, 24),
  );
  const before = parseReader(await readFile(file, 'utf8').catch(() => ''));
  const reader = { client, user, count: (before?.count ?? 0) + 1, last: at };
  await writeFile(`${file}.new`, writeReader(reader));
  await rename(`${file}.new`, file);
}

/** Who has fetched from a member, the last one first. */
export async function readersOf(gitDir: string): Promise<Reader[]> {
  const folder = join(gitDir, 'gam', 'replica', FOLDER);
  const readers = new Map<string, Reader>();
  for (const day of (await filesIn(folder)).filter((name) => DAY.test(name)))
    for (const name of await filesIn(join(folder, day))) {
      const found = parseReader(await readFile(join(folder, day, name), 'utf8').catch(() => ''));
      if (found === null) continue;
      const known = readers.get(name);
      const count = found.count + (known?.count ?? 0);
      readers.set(name, { ...found, count, last: Math.max(found.last, known?.last ?? 0) });
    }
  const shown = [...readers.values()].map((reader) => ({
    ...reader,
    client: printable(reader.client, 100),
    user: reader.user && printable(reader.user, 100),
  }));
  return shown.sort((a, b) => b.last - a.last);
}
