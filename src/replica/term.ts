import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { printable } from '../protocol/text.ts';
import { placesOf } from './places.ts';

/** For which member the `git` coordinator's refs count, as far as a member that was it, or is it, knows. */
export interface Term {
  /** Grows with each move; the one who founds a group begins without any. */
  number: number;
  /** The arbiter of this term: whoever has another one in its term refuses all that concerns locks and state. */
  arbiter: string;
  /** How members reach it, whose document of the group may be older than it is. */
  url: string;
}

/** Where a member keeps its term. */
export const TERM_REF = 'refs/gam/term';

/** Writes a term as the text of a blob. */
export function writeTerm({ number, arbiter, url }: Term): string {
  return `term ${number}\narbiter ${arbiter}\nurl ${url}\n`;
}

/**
 * Reads what writeTerm() writes.
 * @returns null for anything else
 */
export function parseTerm(text: string): Term | null {
  const [, number = '', arbiter = '', url = ''] =
    /^term ([0-9]{1,9})\narbiter ([a-z0-9-]{1,32})\nurl ([^\n]+)\n$/.exec(text) ?? [];
  return url === '' || printable(url, url.length) !== url ? null : { number: Number(number), arbiter, url };
}

/** The term that a member is in; null where the group's arbiter has never moved from or to it. */
export function readTerm(gitDir: string): Term | null {
  const { term } = placesOf(gitDir);
  return existsSync(term) ? parseTerm(readFileSync(term, 'utf8')) : null;
}

/** Notes the term beside the ref, from where it is read without a process of git. */
export function noteTerm(gitDir: string, text: string): void {
  const { folder, term } = placesOf(gitDir);
  mkdirSync(folder, { recursive: true });
  const draft = `${term}.${process.pid}`;
  writeFileSync(draft, text);
  renameSync(draft, term);
}
