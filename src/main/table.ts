import type { Column } from '../mirror/mirror-columns.ts';

/** Between two columns. */
const GAP = '  ';
/** On a terminal no column but the last may take more, unless the caller says so. */
const WIDEST = 28;

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 3, 0))}...`;
}

/**
 * Aligns rows under a header, one line a row, no blanks at the end. The last column is for what is long.
 * @param width of the terminal in columns: longer lines are cut; null (a pipe): nothing is
 * @param widest what a cell of any other column is cut to there
 */
export function writeTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | null,
  widest = WIDEST,
): string[] {
  const last = header.length - 1;
  const cells = [header, ...rows].map((row) =>
    row.map((cell, column) => (width === null || column === last ? cell : cut(cell, widest))),
  );
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => {
    const line = row.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0)));
    const text = line.join(GAP).trimEnd();
    return width === null ? text : cut(text, width);
  });
}

/** What is left to the last column at least, before others are dropped. */
const LAST = 20;

/**
 * Lays columns out as a table. Where a terminal is too narrow, the columns that are worth least are left out,
 * until the last one has some room.
 * @param width, widest as for writeTable()
 */
export function layOut(columns: readonly Column[], width: number | null, widest = WIDEST): string[] {
  const shown = [...columns];
  const needs = ({ header, cells }: Column) =>
    Math.min(widest, Math.max(header.length, ...cells.map((cell) => cell?.length ?? 1))) + GAP.length;
  for (;;) {
    const others = shown.slice(0, -1);
    const room = (width ?? Infinity) - others.reduce((sum, column) => sum + needs(column), 0);
    const longest = Math.max(...(shown.at(-1)?.cells ?? []).map((cell) => cell?.length ?? 1), 1);
    if (others.length === 0 || room >= Math.min(longest, LAST)) break;
    const least = others.reduce((one, other) => (other.worth < one.worth ? other : one));
    shown.splice(shown.indexOf(least), 1);
  }
  const rows = (columns[0]?.cells ?? []).map((_, row) => shown.map(({ cells }) => cells[row] ?? '-'));
  return writeTable(
    shown.map(({ header }) => header),
    rows,
    width,
    widest,
  );
}
