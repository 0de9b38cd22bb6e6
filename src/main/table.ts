/** Between two columns. */
const GAP = '  ';
/** On a terminal no column but the last may take more. */
const WIDEST = 28;

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 3, 0))}...`;
}

/**
 * Aligns rows under a header, one line a row, no blanks at the end. The last column is for what is long.
 * @param width of the terminal in columns: longer lines are cut; null (a pipe): nothing is
 */
export function writeTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | null,
): string[] {
  const last = header.length - 1;
  const cells = [header, ...rows].map((row) =>
    row.map((cell, column) => (width === null || column === last ? cell : cut(cell, WIDEST))),
  );
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => {
    const line = row.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0)));
    const text = line.join(GAP).trimEnd();
    return width === null ? text : cut(text, width);
  });
}
