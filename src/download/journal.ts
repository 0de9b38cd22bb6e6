import { appendFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { digest } from '../protocol/digest.ts';
import { type Span, Spans } from './spans.ts';

/** What is known of a file that is partly here. */
export interface Progress {
  size: number;
  done: Spans;
  /** By the digest of a source's URL, which may hold a secret: its validator when the file was begun. */
  validators: Map<string, string>;
}

/** The name of a source in a journal. */
export function sourceName(url: string): string {
  return digest('sha256', url).toString('hex').slice(0, 16);
}

function integer(word: string | undefined): number {
  return word !== undefined && /^[0-9]{1,15}$/.test(word) ? Number(word) : Number.NaN;
}

/**
 * Reads what a journal says: `size <bytes>` first, then `source <name> <validator>` and `done <from> <to>`. A last line
 * without its end was being written when the machine stopped, and does not count.
 * @returns null when there is nothing to go on from
 */
export function parseJournal(text: string): Progress | null {
  const [first = '', ...lines] = text.split('\n').slice(0, -1);
  const size = integer(/^size ([0-9]+)$/.exec(first)?.[1]);
  if (!(size > 0)) return null;
  const progress: Progress = { size, done: new Spans(), validators: new Map() };
  for (const line of lines) {
    const [word, one = '', ...rest] = line.split(' ');
    if (word === 'source') progress.validators.set(one, rest.join(' '));
    const [from, to] = [integer(one), integer(rest[0])];
    if (word === 'done' && from < to && to <= size) progress.done.add({ from, to });
  }
  return progress;
}

/** The notes beside a file that is under way, so that whoever comes after a crash need not begin anew. */
export class Journal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<Progress | null> {
    return parseJournal(await readFile(this.#path, 'utf8').catch(() => ''));
  }

  begin(size: number): void {
    this.#append(`size ${size}\n`);
  }

  source(url: string, validator: string): void {
    this.#append(`source ${sourceName(url)} ${validator}\n`);
  }

  /** To be called once the bytes are written; a line is in the system's hands at once, whatever becomes of this process. */
  done({ from, to }: Span): void {
    if (to > from) this.#append(`done ${from} ${to}\n`);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  #append(line: string): void {
    appendFileSync(this.#path, line, { mode: 0o600 });
  }
}
