import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Pace } from '../../../src/sync/pace.ts';

const NEVER = new AbortController().signal;
const FOREVER = Infinity;

test('ends at its time, and not before', async () => {
  // Timers count in whole milliseconds.
  for (let turn = 0; turn < 20; turn += 1) {
    const time = performance.now() + 2.9;
    await new Pace().until(time, NEVER);
    expect(performance.now()).toBeGreaterThanOrEqual(time);
  }
});

test('ends at once where the time has passed', async () => {
  await new Pace().until(performance.now() - 1000, NEVER);
  await new Pace().until(-FOREVER, NEVER);
});

test('is cut short by whoever wakes, also where that came before: one wait, not the next', async () => {
  const pace = new Pace();
  const wait = pace.until(FOREVER, NEVER);
  pace.wake();
  await wait;
  pace.wake();
  pace.wake();
  await pace.until(FOREVER, NEVER);
  let isOver = false;
  const next = pace.until(FOREVER, NEVER).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  pace.wake();
  await next;
});

test('ends with the signal, also with one that has aborted', async () => {
  const end = new AbortController();
  const wait = new Pace().until(FOREVER, end.signal);
  end.abort();
  await wait;
  await new Pace().until(FOREVER, end.signal);
});

test('leaves nothing at the signal, however often one waits', async () => {
  const { signal } = new AbortController();
  const pace = new Pace();
  for (let n = 0; n < 100; n += 1) {
    const wait = pace.until(FOREVER, signal);
    pace.wake();
    await wait;
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
