import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** A ref that has moved, and what it was. */
export interface MovedRef {
  ref: string;
  old: string | null;
}

/** What is still to be sent to one member. */
export interface Queued {
  member: string;
  /** Refs whose values there are to be looked at; each once, however often it has moved. */
  refs: ReadonlySet<string>;
  /** What pushes have put something else in the place of, as replacedKey() writes it: no stranger left that at a follower. */
  replaced: ReadonlySet<string>;
  /** When the oldest of them was queued, in milliseconds since the epoch. */
  since: number;
  /** The files that say so, by name. */
  files: readonly string[];
}

/** What many notes are put together as. */
const MERGED = 'merged';

/** What stood at a ref. */
export function replacedKey(oid: string, ref: string): string {
  return `${oid} ${ref}`;
}

function write(folder: string, name: string, lines: readonly string[], since?: number): void {
  mkdirSync(folder, { recursive: true });
  const draft = join(folder, `.${randomBytes(8).toString('hex')}`);
  writeFileSync(draft, lines.map((line) => `${line}\n`).join(''));
  if (since !== undefined) utimesSync(draft, since / 1000, since / 1000);
  renameSync(draft, join(folder, name));
}

/**
 * Notes that refs have moved, for a member to be told. A file for each push, which appears whole: what is noted survives
 * whoever dies. What refs have become is not noted, since what counts is what they are when they are sent.
 */
export function enqueue(
  queue: string,
  member: string,
  moved: readonly MovedRef[],
  transaction: string,
): void {
  const lines = moved.map(({ ref, old }) => replacedKey(old ?? '-', ref));
  write(join(queue, member), transaction, lines);
}

/** Notes that a member is to be looked at, whatever has moved. */
export function enqueueLook(queue: string, member: string): void {
  write(join(queue, member), `look-${randomBytes(8).toString('hex')}`, []);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

/** What is still to be sent to a member; null for nothing. */
export function queuedFor(queue: string, member: string): Queued | null {
  const folder = join(queue, member);
  const [refs, replaced] = [new Set<string>(), new Set<string>()];
  const files: string[] = [];
  let since = Date.now();
  for (const name of namesIn(folder)) {
    const file = join(folder, name);
    try {
      const { mtimeMs } = statSync(file);
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        const at = line.indexOf(' ');
        if (at < 0) continue;
        refs.add(line.slice(at + 1));
        replaced.add(line);
      }
      since = Math.min(since, mtimeMs);
      files.push(name);
    } catch {
      // Sent meanwhile.
    }
  }
  return files.length === 0 ? null : { member, refs, replaced, since, files };
}

/** What is still to be sent, by member. */
export function queued(queue: string): Queued[] {
  return namesIn(queue).flatMap((member) => queuedFor(queue, member) ?? []);
}

/** The names of all notes, by member; without a look into them. */
export function queuedNotes(queue: string): Map<string, string[]> {
  const all = namesIn(queue).map((member) => [member, namesIn(join(queue, member))] as const);
  return new Map(all.filter(([, names]) => names.length > 0));
}

/** Takes out what was sent; what was noted since stays. */
export function dequeue(queue: string, { member, files }: Queued): void {
  for (const name of files) rmSync(join(queue, member, name), { force: true });
}

/**
 * Puts notes together in one, as old as the oldest: a member may be away for a month of pushes. Only for whoever may also
 * dequeue().
 * @returns the names that stand for them now
 */
export function coalesce(queue: string, { member, files, replaced, since }: Queued): readonly string[] {
  if (files.length < 2) return files;
  write(join(queue, member), MERGED, [...replaced], since);
  for (const name of files) if (name !== MERGED) rmSync(join(queue, member, name), { force: true });
  return [MERGED];
}
