import { describe, expect, test } from 'vitest';
import { Breath } from '../../../src/sync/breath.ts';

/** One who has pushed several times, with so many milliseconds between. */
function pushed(times: number, every: number): { breath: Breath; now: number } {
  const breath = new Breath();
  for (let turn = 0; turn < times; turn += 1) breath.note('pushed', turn * every);
  return { breath, now: (times - 1) * every };
}

describe('one who pushes', () => {
  test('each second leaves off now and then', () => {
    expect(pushed(4, 1000).breath.until).toBe(0);
    const { breath, now } = pushed(5, 1000);
    expect(breath.until).toBeGreaterThan(now + 1000);
    breath.note('up-to-date', now + 500);
    expect(breath.until).toBeGreaterThan(now + 1000);
    breath.note('pushed', breath.until);
    expect(breath.until).toBe(0);
  });

  // As somebody who looks whether it has come to the other machine before he saves again.
  test('each two seconds is never kept waiting', () => {
    expect(pushed(50, 2000).breath.until).toBe(0);
  });

  test('goes on at once where others have published', () => {
    for (const kind of ['merged', 'forwarded'] as const) {
      const { breath, now } = pushed(9, 1000);
      breath.note(kind, now);
      expect(breath.until).toBe(0);
    }
    const { breath } = pushed(9, 1000);
    breath.end();
    expect(breath.until).toBe(0);
  });
});
