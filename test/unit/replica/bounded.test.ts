import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { bounded, NoAnswer } from '../../../src/replica/bounded.ts';

const never = () => new Promise<never>(() => undefined);

test('what comes in time is passed on, also when it is an error', async () => {
  expect(await bounded(Promise.resolve('here'), 60_000)).toBe('here');
  await expect(bounded(Promise.reject(new Error('bad')), 60_000)).rejects.toThrow('bad');
});

test('what does not come is given up, in time or at a signal, and nobody listens any more', async () => {
  const stop = new AbortController();
  await expect(bounded(never(), 1, stop.signal)).rejects.toThrow(NoAnswer);
  const waiting = bounded(never(), 60_000, stop.signal);
  stop.abort();
  await expect(waiting).rejects.toThrow(NoAnswer);
  await expect(bounded(never(), 60_000, stop.signal)).rejects.toThrow(NoAnswer);
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
});
