/** What many measurements of one thing come to. */
export interface Spread {
  least: number;
  lower: number;
  median: number;
  upper: number;
  most: number;
}

/** The value below which a part of the sorted values lies, between two of them in proportion. */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/** Median, quartiles and range of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => quantile(sorted, part);
  return { least: at(0), lower: at(0.25), median: at(0.5), upper: at(0.75), most: at(1) };
}

/**
 * The spread of the ratios of two series, each value by the one of the same round: what slowed a whole round
 * down, on a machine that has other things to do, cancels out.
 * @returns null where a value that would divide is 0
 */
export function ratiosOf(values: readonly number[], base: readonly number[]): Spread | null {
  if (base.some((value) => value === 0)) return null;
  return spreadOf(values.map((value, round) => value / (base[round] ?? Number.NaN)));
}
