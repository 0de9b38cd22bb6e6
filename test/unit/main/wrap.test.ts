import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrap } from '../../../src/main/wrap.ts';

test('no line is longer than the terminal is wide, but for a word that is, and no word is lost', () => {
  const words = fc.array(fc.stringMatching(/^[!-~]{1,100}$/), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(words, fc.integer({ min: 10, max: 120 }), (some, width) => {
      const lines = wrap(some.join(' '), width);
      for (const line of lines) if (line.length > width) expect(line.trim().includes(' ')).toBe(false);
      expect(lines.map((line) => line.trim()).join(' ')).toBe(some.join(' '));
    }),
  );
});

test('lines but the first are indented, and a pipe gets all in one', () => {
  expect(wrap('one two three', 9)).toEqual(['one two', '  three']);
  expect(wrap('one two three', null)).toEqual(['one two three']);
});
