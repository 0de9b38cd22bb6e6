/** What stands before all lines but the first. */
const INDENT = '  ';

/**
 * Breaks a line between words, for a terminal. A word that is longer than a line, such as a URL, gets a line of its own and stays whole:
 * the terminal breaks that itself, and whoever copies it gets it in one piece.
 *
 * @param width of the terminal in columns; null: nothing is broken
 */
export function wrap(text: string, width: number | null): string[] {
  if (width === null || text.length <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width || line === '') line = longer;
    else {
      lines.push(line);
      line = INDENT + word;
    }
  }
  return [...lines, line];
}
