// C0 and C1 controls, DEL, and the characters that turn the direction of what follows (UAX #9).
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/gu;
const UNPRINTABLE_BUT_LINES =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/gu;

/**
 * Makes one line of foreign text fit for a terminal: what a mirror sends may hold escape codes, and a
 * config value may hold line ends. Unprintable characters become `?`, and the line ends after `limit`.
 */
export function printable(text: string, limit = 300): string {
  const clean = text.replace(UNPRINTABLE, '?');
  return clean.length > limit ? `${clean.slice(0, limit)}...` : clean;
}

/** As printable(), for progress: LF, CR and TAB stay, since git draws its counters with them. */
export function printableProgress(text: string): string {
  return text.replace(UNPRINTABLE_BUT_LINES, '?');
}

/** Makes the name of a file fit for a terminal. @param path one character for each byte (latin1), of UTF-8 as a rule */
export function printablePath(path: string): string {
  return printable(Buffer.from(path, 'latin1').toString(), 2000);
}
