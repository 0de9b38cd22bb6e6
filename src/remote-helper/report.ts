import { printable } from '../protocol/text.ts';
import { writeStandardError } from './standard-error.ts';

/** What may be told on the way to a mirror. */
export type Telling = Pick<Report, 'line' | 'progress'>;

/** Tells the user, on standard error, what happened and why; nothing at all under `-q`. */
export class Report {
  /** Set by `option verbosity` as soon as git says it. */
  quiet = false;
  #midLine = false;

  /** One line, `gam: <message>`. */
  line(message: string): void {
    // A counter that was drawn last, or a mirror's text without an end, stands where this line would start.
    if (!this.quiet) this.#write(`${this.#midLine ? '\n' : ''}gam: ${printable(message)}\n`);
  }

  /** Something was typed: the terminal has drawn it, `^C` for one, where the next line would start. */
  typed(): void {
    this.#midLine = true;
  }

  /** A warning that git would have given itself, in its form. */
  warning(message: string): void {
    this.#write(`warning: ${printable(message)}\n`);
  }

  /** The lines with which git itself would have died. */
  fatal(lines: readonly string[]): void {
    this.#write(`fatal: ${lines.map((line) => printable(line)).join('\n')}\n`);
  }

  /** Text that is already fit for the terminal: git's own progress on what a mirror sends. */
  progress(text: string): void {
    if (!this.quiet) this.#write(text, 'counter');
  }

  #write(text: string, kind: 'message' | 'counter' = 'message'): void {
    if (text !== '') this.#midLine = !text.endsWith('\n');
    writeStandardError(text, kind);
  }
}

/** How much progress is kept until it is clear whether the user is to see it. */
const LONGEST_PROGRESS = 4096;

// From the start of a line on, be it one that was drawn over.
function ending(text: string): string {
  if (text.length <= LONGEST_PROGRESS) return text;
  const cut = text.slice(-LONGEST_PROGRESS);
  return cut.slice(cut.search(/[\r\n]/) + 1);
}

/** Keeps back what would be told of a guess, until it is clear what came of it. */
export class Aside implements Telling {
  readonly #report: Telling;
  #lines: string[] = [];
  #drawn = '';
  #open = false;

  constructor(report: Telling) {
    this.#report = report;
  }

  line(message: string): void {
    if (this.#open) this.#report.line(message);
    else this.#lines.push(message);
  }

  progress(text: string): void {
    if (this.#open) this.#report.progress(text);
    else this.#drawn = ending(this.#drawn + text);
  }

  /** Tells the lines, which are true whatever comes of the guess. */
  tell(): void {
    for (const message of this.#lines.splice(0)) this.#report.line(message);
  }

  /**
   * Tells all, and from now on at once: the guess was right.
   * @param announcement what comes before the progress
   */
  open(announcement: string | null): void {
    this.tell();
    this.#open = true;
    if (announcement !== null) this.#report.line(announcement);
    this.#report.progress(this.#drawn);
  }
}
