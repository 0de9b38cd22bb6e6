/** Bytes as people read them: `15.3 MB`, decimal, one digit. */
export function bytes(number: number): string {
  if (number < 1000) return `${number} B`;
  if (number < 999_950) return `${(number / 1e3).toFixed(1)} kB`;
  return `${(number / 1e6).toFixed(1)} MB`;
}

/** Milliseconds as seconds: `7.1 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** A whole number with separators: `20,000`. */
export function count(number: number): string {
  return number.toLocaleString('en');
}

/** A line cut to 80 columns. */
export function shorten(line: string): string {
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}

/** Lines up cells: the first column to the left, the others to the right, two spaces between. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
