import { expect, test } from 'vitest';
import { ThinLine, ThinWatch } from '../../../src/remote-helper/thin-line.ts';
import { LowSpeed } from '../../../src/transport/patience.ts';

const LARGE = 300_000;

function watch(objects: number): ThinWatch {
  const patience = new ThinWatch(new LowSpeed(1000, 10_000));
  patience.begins(objects);
  return patience;
}

/** Lets so much come at a rate in bytes a second, 64 KiB at a time. */
function bring(patience: ThinWatch, bytes: number, rate: number): void {
  const piece = 64 * 1024;
  for (let come = 0; come < bytes; come += piece) patience.spent((1000 * piece) / rate, piece);
}

const MIB = 1024 ** 2;

test('a large pack over a thin line is left when 2 MiB have come', () => {
  const patience = watch(LARGE);
  bring(patience, 1.9 * MIB, 2 * MIB);
  expect(() => bring(patience, 0.2 * MIB, 2 * MIB)).toThrow(ThinLine);
});

test('over a very thin one it is left after three seconds', () => {
  const patience = watch(LARGE);
  bring(patience, 0.25 * MIB, 0.1 * MIB);
  expect(() => bring(patience, 0.1 * MIB, 0.1 * MIB)).toThrow(ThinLine);
});

test('what is slow at first only, as TCP starts over a far line, is no thin line', () => {
  const patience = watch(LARGE);
  bring(patience, MIB, MIB);
  bring(patience, 20 * MIB, 10 * MIB);
});

test('a line that was good for 2 MiB is not judged again', () => {
  const patience = watch(LARGE);
  bring(patience, 2 * MIB, 10 * MIB);
  bring(patience, 20 * MIB, MIB);
});

test('a pack that will be here within ten seconds is not left', () => {
  bring(watch(20_000), 20 * MIB, MIB);
});

test('a small pack is never left', () => {
  bring(watch(8000), 2 * MIB, 0.01 * MIB);
});

test('what there is of patience with a mirror counts in any case', () => {
  const patience = watch(1000);
  patience.spent(9000, 1);
  expect(patience.remaining()).toBe(1000);
});
