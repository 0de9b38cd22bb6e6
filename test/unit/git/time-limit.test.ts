import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { timeLimit } from '../../../src/git/time-limit.ts';

// A push waited for a lock for longer than it was told to: the time was forgotten when memory was tidied up.

setFlagsFromString('--expose-gc');
const tidyUp = runInNewContext('gc') as () => void;

/** Waits for a signal as a loop does: nobody holds it but what it waits with. */
async function looks(signal: AbortSignal): Promise<number> {
  for (let look = 1; look < 500; look += 1) {
    tidyUp();
    try {
      await pause(10, undefined, { signal });
    } catch {
      return look;
    }
  }
  return Infinity;
}

test('ends a wait though memory is tidied up meanwhile', async () => {
  const never = new AbortController().signal;
  expect(await looks(timeLimit(600, never))).toBeLessThan(500);
});

test('ends with the other signal, also where that has come already', async () => {
  const stop = new AbortController();
  const signal = timeLimit(60_000, stop.signal);
  expect(signal.aborted).toBe(false);
  stop.abort(new Error('stop'));
  expect([signal.aborted, signal.reason]).toEqual([true, stop.signal.reason]);
  expect(timeLimit(60_000, stop.signal).aborted).toBe(true);
});

test('tells that it was the time', async () => {
  const signal = timeLimit(1);
  await expect(pause(10_000, undefined, { signal })).rejects.toThrow();
  expect((signal.reason as Error).name).toBe('TimeoutError');
});
