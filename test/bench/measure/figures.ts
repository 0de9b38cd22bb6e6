import { bytes } from '../demo/figures.ts';
import type { Figure, Sample } from './row.ts';

/** Milliseconds as people read them: `34 ms`, `1.42 s`. */
export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

function amount(title: string, of: (sample: Sample) => number, isCompared = false): Figure {
  return { title, of, show: bytes, compared: isCompared };
}

export const TIME: Figure = { title: 'time', of: ({ time }) => time, show: duration, compared: true };
export const FROM_CANONICAL = amount('from canonical', ({ fromCanonical }) => fromCanonical);
export const FROM_MIRRORS = amount('from mirrors', ({ fromMirrors }) => fromMirrors);
export const BYTES_IN_ALL = amount(
  'bytes in all',
  (sample) => sample.fromMirrors + sample.fromCanonical,
  true,
);
export const PEAK = amount('memory of the helper', ({ peak = 0 }) => peak);
export const MEMORY_AT_REST = amount('memory at rest', ({ memory = 0 }) => memory);
export const LARGEST_MEMORY = amount('largest memory', ({ peak = 0 }) => peak);
export const PROCESSOR: Figure = {
  title: 'of one core',
  of: ({ processor = 0 }) => processor,
  show: (share) => `${(100 * share).toFixed(2)} %`,
  compared: false,
};

/** A figure that is there to be compared. */
export function compared(figure: Figure): Figure {
  return { ...figure, compared: true };
}
