import type { StatusText } from '../replica/status-lines.ts';
import { layOut } from './table.ts';
import { wrap } from './wrap.ts';

/** The longest name of a member, with the mark of the one that looks: names are never cut. */
const LONGEST_NAME = 34;

/**
 * Lays a group's status out. URLs are a column where all of it fits the terminal, and lines below it otherwise: none is cut.
 * @param width of the terminal in columns; null for a pipe
 */
export function layOutStatus({ heading, columns, urls, notes }: StatusText, width: number | null): string[] {
  const fits = (lines: readonly string[]) => lines.every((line) => line.length <= (width ?? Infinity));
  const whole = layOut([...columns, urls], null);
  const [names] = columns;
  const below = urls.cells.map((url, row) => `${names?.cells[row]?.replace(/ \*$/, '')}: ${url}`);
  const groups = fits(whole) ? [whole, ...notes] : [layOut(columns, width, LONGEST_NAME), below, ...notes];
  const [table = [], ...rest] = groups;
  return [
    ...heading.flatMap((line) => wrap(line, width)),
    '',
    ...table,
    ...rest.flatMap((group) => ['', ...group.flatMap((line) => wrap(line, width))]),
  ];
}
