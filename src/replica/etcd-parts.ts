/** What a ref is to become; null where it is to be gone. */
export interface RefValue {
  ref: string;
  oid: string | null;
}

/** A commit of many refs, while there is one. */
export interface WideRecord {
  /** While it prepares, nothing has changed yet, and it goes with its pusher's lease; once it is committed it stands. */
  phase: 'preparing' | 'committed';
  id: string;
  /** How many parts it has. */
  parts: number;
}

/** A request of etcd's holds 1.5 MiB, unless it is told otherwise (--max-request-bytes). */
const PART_BYTES = 512 * 1024;

const NONE = '-';
const LINE = /^([^ ]+) (.+)$/s;

/** Writes a record of a commit of many refs. */
export function writeWideRecord({ phase, id, parts }: WideRecord): string {
  return `${phase} ${id} ${parts}`;
}

/**
 * Reads what writeWideRecord() writes.
 * @returns null for anything else
 */
export function parseWideRecord(text: string): WideRecord | null {
  const [, phase, id, parts] = /^(preparing|committed) ([0-9]+-[0-9]+) ([0-9]{1,4})$/.exec(text) ?? [];
  if (phase === undefined || id === undefined) return null;
  return { phase: phase as WideRecord['phase'], id, parts: Number(parts) };
}

/** Writes what refs become, in parts that fit in a request each. */
export function writeParts(values: readonly RefValue[], most = PART_BYTES): Buffer[] {
  const parts: Buffer[][] = [];
  let room = 0;
  for (const { ref, oid } of values) {
    const line = Buffer.from(`${oid ?? NONE} ${ref}\n`);
    if (parts.length === 0 || line.length > room) {
      parts.push([]);
      room = most;
    }
    parts.at(-1)?.push(line);
    room -= line.length;
  }
  return parts.map((lines) => Buffer.concat(lines));
}

/**
 * Reads a part that writeParts() made.
 * @returns null for anything else: half of a part is none
 */
export function parsePart(part: Buffer): RefValue[] | null {
  const lines = part.toString().split('\n');
  if (lines.pop() !== '') return null;
  const values = lines.flatMap((line) => {
    const [, oid, ref] = LINE.exec(line) ?? [];
    return oid === undefined || ref === undefined ? [] : [{ ref, oid: oid === NONE ? null : oid }];
  });
  return values.length === lines.length ? values : null;
}
