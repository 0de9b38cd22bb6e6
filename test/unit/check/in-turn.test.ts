import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { gate } from '../../../src/check/in-turn.ts';

test('a gate lets so many through at a time, all of them in the end, also when some fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      async (width, tasks) => {
        let [inside, most] = [0, 0];
        const through = gate(width);
        const ended = await Promise.allSettled(
          tasks.map((fails) =>
            through(async () => {
              inside += 1;
              most = Math.max(most, inside);
              await Promise.resolve();
              inside -= 1;
              if (fails) throw new Error('failed');
            }),
          ),
        );
        expect(ended.map(({ status }) => status === 'rejected')).toEqual(tasks);
        expect(most).toBe(Math.min(width, tasks.length));
      },
    ),
  );
});
