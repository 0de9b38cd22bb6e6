import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, processName } from '../git/alive.ts';

/** A push whose process has ended in the middle of it. */
export interface CutOff {
  transaction: string;
  refs: readonly string[];
}

/** So old is a note of another machine, or of a container that had another name, when its process counts as gone. */
const FORGOTTEN_MS = 600_000;

/**
 * Notes that a push is at work here, before anything of it is seen elsewhere: whoever kills its process, perhaps right behind the
 * commit point, does not keep the others from learning of it.
 * @returns takes the note away
 */
export function begin(folder: string, transaction: string, refs: readonly string[]): () => void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, transaction);
  // Appears whole, so that nobody finds a push without a process.
  const draft = join(folder, `.${transaction}`);
  writeFileSync(draft, [processName(process.pid), ...refs, ''].join('\n'));
  renameSync(draft, file);
  return () => rmSync(file, { force: true });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The refs of a push that is noted in a file; null where its process is at work. */
function refsOfEnded(file: string): string[] | null {
  try {
    const { mtimeMs } = statSync(file);
    const [owner = '', ...refs] = readFileSync(file, 'utf8').split('\n');
    const alive = isAlive(owner) ?? Math.abs(Date.now() - mtimeMs) < FORGOTTEN_MS;
    return alive ? null : refs.filter((ref) => ref !== '');
  } catch {
    return null; // It has come to its end meanwhile.
  }
}

/** The pushes here whose processes have ended without finishing them. */
export function cutOff(folder: string): CutOff[] {
  return namesIn(folder).flatMap((name) => {
    const refs = refsOfEnded(join(folder, name));
    if (refs === null) return [];
    if (!name.startsWith('.')) return [{ transaction: name, refs }];
    // Whoever drafted it was killed before anything of his push was seen.
    rmSync(join(folder, name), { force: true });
    return [];
  });
}

/** Forgets a push that was cut off: all that is left of it is known elsewhere. */
export function forget(folder: string, { transaction }: CutOff): void {
  rmSync(join(folder, transaction), { force: true });
}
