import { below, type Random } from './random.ts';
import { sourceLine, sourceLines } from './source-text.ts';

/** Text of N bytes as git-fast-import(1) takes it; the text must be ASCII. */
export function fastImportData(text: string): string {
  return `data ${text.length}\n${text}\n`;
}

/** Files that change by a line at a time, now this one for a while, now that one. */
export class ChangingFiles {
  private readonly random: Random;
  private readonly count: number;
  private readonly size: number;
  private readonly lines = new Map<string, string[]>();
  private current = '';

  constructor(random: Random, count: number, size: number) {
    this.random = random;
    this.count = count;
    this.size = size;
  }

  private static pathOf(index: number): string {
    return `src/part-${Math.floor(index / 20)}/file-${index}.ts`;
  }

  /** The fast-import lines that make every file. */
  all(): string {
    return Array.from({ length: this.count }, (_, index) => this.write(ChangingFiles.pathOf(index))).join('');
  }

  /** The fast-import lines that change one file. */
  change(): string {
    const stay = this.current !== '' && this.random() < 0.6;
    if (!stay) this.current = ChangingFiles.pathOf(below(this.random, this.count));
    return this.write(this.current);
  }

  private write(path: string): string {
    const lines = this.lines.get(path) ?? sourceLines(this.random, this.size);
    lines[below(this.random, lines.length)] = sourceLine(this.random);
    this.lines.set(path, lines);
    return `M 100644 inline ${path}\n${fastImportData(`${lines.join('\n')}\n`)}`;
  }
}
