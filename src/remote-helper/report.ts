import { writeSync } from 'node:fs';
import { printable } from '../protocol/text.ts';

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

  /** A warning that git would have given itself, in its form. */
  warning(message: string): void {
    this.#write(`warning: ${printable(message)}\n`);
  }

  /** Text that is already fit for the terminal: git's own progress on what a mirror sends. */
  progress(text: string): void {
    if (!this.quiet) this.#write(text);
  }

  #write(text: string): void {
    if (text !== '') this.#midLine = !text.endsWith('\n');
    try {
      writeSync(2, text);
    } catch {
      // Nobody reads standard error any more (EPIPE), or it is full (EAGAIN): no reason to fail a fetch.
    }
  }
}
