import { describe, expect, test } from 'vitest';
import { readOptions, usage } from '../../bench/measure/options.ts';
import { ROWS } from '../../bench/rows/index.ts';

describe('the arguments of npm run bench', () => {
  test('choose rows, rounds and a repository', () => {
    expect(readOptions([], ROWS)).toEqual({ source: undefined, rows: ROWS, rounds: undefined, write: false });
    const chosen = readOptions(['--only', 'no-mirror', '../r', '--rounds', '3', '--only', 'memory'], ROWS);
    expect(chosen).toMatchObject({ source: '../r', rounds: 3 });
    expect(chosen.rows.map((row) => row.name)).toEqual(['no-mirror', 'memory']);
  });

  test.each([['--only', 'nothing'], ['--rounds', '0'], ['--rounds', 'x'], ['--fast'], ['a', 'b']])(
    '%s %s is not understood',
    (...args) => {
      expect(() => readOptions(args, ROWS)).toThrow(/./);
    },
  );

  test('name every row once, and the usage names them all', () => {
    const names = ROWS.map((row) => row.name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(usage(ROWS)).toContain(`  ${name} `);
  });
});
