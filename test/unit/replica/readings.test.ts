import { expect, test } from 'vitest';
import { readings } from '../../../src/replica/readings.ts';

/** Readings that end when they are told to. */
function slowly() {
  const ends: (() => void)[] = [];
  const ask = readings(async () => {
    const number = ends.length + 1;
    await new Promise<void>((resolve) => void ends.push(resolve));
    return number;
  });
  return { ask, ends };
}

test('who asks while a reading is under way gets the next one, all of them the same', async () => {
  const { ask, ends } = slowly();
  const first = ask();
  await expect.poll(() => ends.length).toBe(1);
  const later = [ask(), ask()];
  ends[0]?.();
  expect(await first).toBe(1);
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.();
  expect(await Promise.all(later)).toEqual([2, 2]);
  expect(ends).toHaveLength(2);
});

test('a reading that fails is the failure of those who asked for it, and of no others', async () => {
  let count = 0;
  const ask = readings(async () => {
    count += 1;
    if (count === 1) throw new Error('gone');
    return count;
  });
  await expect(ask()).rejects.toThrow('gone');
  expect(await ask()).toBe(2);
});
