import type { Figure, Row, Sample, Setting } from './row.ts';
import { ratiosOf, spreadOf } from './spread.ts';

/** What a row came to: the samples of each way, in the order of the rounds. */
export interface Outcome {
  row: Row;
  setting: Setting;
  samples: readonly (readonly Sample[])[];
}

const COLUMNS = ['', 'figure', 'median', 'ratio', 'quartiles', 'range', 'difference'];

function lines(cells: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0), 3));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const [head = [], ...rest] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)];
}

const two = (value: number) => value.toFixed(2);

function range(low: number, high: number, show: (value: number) => string): string {
  return `${show(low)} to ${show(high)}`;
}

/** The cells of one figure of one way: compared with the first way's where that is asked for. */
function cellsOf(figure: Figure, own: readonly number[], base: readonly number[] | null): string[] {
  const show = (value: number) => figure.show(value);
  const values = spreadOf(own);
  const ratios = base === null || !figure.compared ? null : ratiosOf(own, base);
  const median = [figure.title, show(values.median)];
  if (base === null || ratios === null) {
    return [...median, '', range(values.lower, values.upper, show), range(values.least, values.most, show)];
  }
  const difference = spreadOf(own.map((value, round) => value - (base[round] ?? 0))).median;
  return [
    ...median,
    two(ratios.median),
    range(ratios.lower, ratios.upper, two),
    range(ratios.least, ratios.most, two),
    `${difference < 0 ? '-' : '+'}${show(Math.abs(difference))}`,
  ];
}

/**
 * A row's table, in Markdown: a line for each figure of each way. Ratio, quartiles, range and difference are
 * taken round by round; where there is no ratio, quartiles and range are the figure's own.
 */
export function tableOf({ row, setting, samples }: Outcome): string[] {
  const { ways, figures } = setting;
  const cells = figures.flatMap((figure) => {
    const values = samples.map((taken) => taken.map((sample) => figure.of(sample)));
    return ways.map(({ title }, way) => [
      title,
      ...cellsOf(figure, values[way] ?? [], way === 0 ? null : (values[0] ?? [])),
    ]);
  });
  const told = `${row.title}. Aim: ${row.aim}. Rounds: ${samples[0]?.length ?? 0}.`;
  return [`## ${row.name}`, '', told, '', ...lines([COLUMNS, ...cells])];
}
