/** A source of numbers in [0, 1) that gives the same row for the same seed on every machine. */
export type Random = () => number;

/** Mulberry32: 32 bits of state, good enough to make up text, and fast. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to, not including, `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** One element of a list that is not empty. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T;
}

/** The seeds that GAM_FAULT_SEED names, as `7` or `1-200`; else the first so many. */
export function namedSeeds(count: number): number[] {
  const named = /^([0-9]+)(?:-([0-9]+))?$/.exec(process.env['GAM_FAULT_SEED'] ?? `1-${count}`);
  const [, first = '1', last = first] = named ?? [];
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, n) => Number(first) + n);
}
