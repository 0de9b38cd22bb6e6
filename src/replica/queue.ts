import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is still to be sent to one member. */
export interface Queued {
  member: string;
  /** Refs whose values there are to be looked at; each once, however often it has moved. */
  refs: ReadonlySet<string>;
  /** When the oldest of them was queued, in milliseconds since the epoch. */
  since: number;
  /** The files that say so. */
  files: readonly string[];
}

let drafts = 0;

/**
 * Notes that refs have moved, for a member to be told. A file for each push, which appears whole: what is noted survives
 * whoever dies. Only names are noted, since what counts is what they are when they are sent.
 */
export function enqueue(queue: string, member: string, refs: readonly string[], transaction: string): void {
  const folder = join(queue, member);
  mkdirSync(folder, { recursive: true });
  drafts += 1;
  const draft = join(folder, `.${process.pid}-${drafts}`);
  writeFileSync(draft, refs.map((ref) => `${ref}\n`).join(''));
  renameSync(draft, join(folder, transaction));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

function readQueued(queue: string, member: string): Queued | null {
  const folder = join(queue, member);
  const refs = new Set<string>();
  const files: string[] = [];
  let since = Date.now();
  for (const name of namesIn(folder)) {
    const file = join(folder, name);
    try {
      since = Math.min(since, statSync(file).mtimeMs);
      for (const ref of readFileSync(file, 'utf8').split('\n')) if (ref !== '') refs.add(ref);
      files.push(file);
    } catch {
      // Sent meanwhile, by another worker.
    }
  }
  return files.length === 0 ? null : { member, refs, since, files };
}

/** What is still to be sent, by member. */
export function queued(queue: string): Queued[] {
  return namesIn(queue).flatMap((member) => readQueued(queue, member) ?? []);
}

/** Takes out what was sent; what was noted since stays. */
export function dequeue({ files }: Queued): void {
  for (const file of files) rmSync(file, { force: true });
}

/** Takes out what one push noted for a member: it has it. */
export function unqueue(queue: string, member: string, transaction: string): void {
  rmSync(join(queue, member, transaction), { force: true });
}
