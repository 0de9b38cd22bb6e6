import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What of a clone has come whole: refs, with all they lead to in packs. */
export interface Kept {
  /** The hash of the objects. */
  format: string;
  refs: { name: string; oid: string; site: string }[];
  /** Tips that no such ref names, with all they lead to. */
  others: string[];
  /** The packs, without their endings. */
  packs: string[];
  /** Their size. */
  bytes: number;
}

/** What is written beside the packs. */
export interface KeptRecord extends Kept {
  /** The `gam clone` that brought it, or goes on from it; see processName(). */
  owner: string;
}

const RECORD = 'kept.json';

function isRecord(found: unknown): found is KeptRecord {
  const { owner, format, refs, others, packs, bytes } = found as Partial<KeptRecord>;
  const isOid = (oid: unknown) => typeof oid === 'string' && /^[0-9a-f]{40,64}$/.test(oid);
  const isRef = ({ name, oid, site }: Kept['refs'][number]) =>
    isOid(oid) && /^(?:HEAD$|refs\/.)/.test(name) && /^[^/]+$/.test(site);
  const isPack = (name: unknown) => typeof name === 'string' && /^pack-[0-9a-f]+$/.test(name);
  const all = <T>(list: readonly T[] | undefined, is: (one: T) => boolean) => list?.every(is) === true;
  const plain = typeof owner === 'string' && typeof format === 'string' && Number.isFinite(bytes);
  return plain && all(refs, isRef) && all(others, isOid) && all(packs, isPack);
}

/** The record in the folder of a kept clone; null where there is none, or something that cannot be read. */
export function readRecord(folder: string): KeptRecord | null {
  try {
    const found: unknown = JSON.parse(readFileSync(join(folder, RECORD), 'utf8'));
    return isRecord(found) ? found : null;
  } catch {
    return null;
  }
}

/** Replaces the record in such a folder. */
export async function writeRecord(folder: string, record: KeptRecord): Promise<void> {
  const path = join(folder, RECORD);
  await writeFile(`${path}.lock`, JSON.stringify(record));
  await rename(`${path}.lock`, path);
}
