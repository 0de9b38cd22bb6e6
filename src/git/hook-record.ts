import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from './hook-entry.ts';

/** What gam remembers in the folder of former hooks. */
export interface HookRecord {
  /** The repositories that have gam's hooks from there. */
  users: string[];
  /** The first folder that was made to have one of hooks; null where it was there before. */
  made: string | null;
  /** What symbolic links among the former hooks named, by the hook's name: in another folder they lead elsewhere. */
  links: Record<string, string>;
}

const RECORD = '.gam-record';
/** Where a hook or the record is begun, to be moved to its place when it is whole. */
export const DRAFT = '.gam-draft';

/** Whether a name in the folder of former hooks is of gam's own. */
export function isOwnName(name: string): boolean {
  return name === RECORD || name === DRAFT;
}

const isText = (value: unknown) => typeof value === 'string';

function isRecord(found: unknown): found is HookRecord {
  const { users, made, links } = found as Partial<HookRecord>;
  const plain = Array.isArray(users) && users.every(isText) && (made === null || isText(made));
  return plain && typeof links === 'object' && links !== null && Object.values(links).every(isText);
}

/** Reads it; where there is none, or one that cannot be read, nobody is known to use the hooks. */
export async function readHookRecord(kept: string): Promise<HookRecord> {
  try {
    const found: unknown = JSON.parse(await readFile(join(kept, RECORD), 'utf8'));
    if (isRecord(found)) return { ...found, links: { ...found.links } };
  } catch {
    // As after a kill before it was written.
  }
  return { users: [], made: null, links: {} };
}

/** Replaces it. */
export async function writeHookRecord(kept: string, record: HookRecord): Promise<void> {
  await writeWhole(join(kept, DRAFT), `${JSON.stringify(record)}\n`, 0o644);
  await rename(join(kept, DRAFT), join(kept, RECORD));
}
