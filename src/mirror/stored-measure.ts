import { LONGEST_REASON, type Measure, MOST } from './measure.ts';

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST;
}

function isWhole(value: unknown, ...keys: string[]): boolean {
  return (
    typeof value === 'object' && value !== null && keys.every((key) => isAmount(Reflect.get(value, key)))
  );
}

/** Reads a measure that was kept as JSON; null when it is none, or one that nobody can have written. */
export function parseMeasure(value: unknown): Measure | null {
  if (!isWhole(value, 'at', 'hits', 'misses', 'saved', 'failures', 'failedAt')) return null;
  const measure = value as Measure;
  const { latency, rate, share, lastUsed, reason, lag, lagSeconds } = measure;
  if (!(isWhole(latency, 'value', 'weight') && isWhole(share, 'value', 'weight') && share.value <= 1))
    return null;
  if (!isWhole(rate, 'bytes', 'ms')) return null;
  if (![lastUsed, lag, lagSeconds].every((number) => number === null || isAmount(number))) return null;
  if (reason !== null && !(typeof reason === 'string' && reason.length <= LONGEST_REASON)) return null;
  return measure;
}
