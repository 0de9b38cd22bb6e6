import { expect, test } from 'vitest';
import { compared, FROM_CANONICAL, TIME } from '../../bench/measure/figures.ts';
import { tableOf } from '../../bench/measure/report.ts';
import type { Row, Setting } from '../../bench/measure/row.ts';

test('a table compares each way with the first, round by round', () => {
  const sample = (time: number, fromCanonical: number) => ({ time, fromCanonical, fromMirrors: 0 });
  const run = () => Promise.resolve(sample(0, 0));
  const setting: Setting = {
    ways: [
      { title: 'plain', run },
      { title: 'through gam', run },
    ],
    figures: [TIME, compared(FROM_CANONICAL), FROM_CANONICAL],
  };
  const row: Row = { name: 'r', title: 'What', aim: 'less', rounds: 3, set: () => Promise.resolve(setting) };
  const samples = [
    [sample(100, 0), sample(1000, 0), sample(200, 0)],
    [sample(150, 5000), sample(1100, 5000), sample(200, 6000)],
  ];
  const lines = tableOf({ row, setting, samples }).map((line) => line.replaceAll(/ +/g, ' '));
  expect(lines.slice(0, 3)).toEqual(['## r', '', 'What. Aim: less. Rounds: 3.']);
  expect(lines.slice(6)).toEqual([
    '| plain | time | 200 ms | | 150 ms to 600 ms | 100 ms to 1.00 s | |',
    '| through gam | time | 200 ms | 1.10 | 1.05 to 1.30 | 1.00 to 1.50 | +50 ms |',
    // Nothing to divide by.
    '| plain | from canonical | 0 B | | 0 B to 0 B | 0 B to 0 B | |',
    '| through gam | from canonical | 5.0 kB | | 5.0 kB to 5.5 kB | 5.0 kB to 6.0 kB | |',
    '| plain | from canonical | 0 B | | 0 B to 0 B | 0 B to 0 B | |',
    '| through gam | from canonical | 5.0 kB | | 5.0 kB to 5.5 kB | 5.0 kB to 6.0 kB | |',
  ]);
});
