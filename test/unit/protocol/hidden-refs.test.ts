import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isHidden } from '../../../src/protocol/hidden-refs.ts';

const part = fc.stringMatching(/^[a-z]{1,4}$/);
const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `refs/${parts.join('/')}`);

describe('a ref that is hidden', () => {
  test('is one that a pattern names, or a folder above it, unless a later pattern shows it', () => {
    fc.assert(
      fc.property(name, part, fc.array(name, { maxLength: 3 }), (hidden, below, others) => {
        for (const one of [hidden, `${hidden}/${below}`]) {
          expect(isHidden(one, [...others, hidden])).toBe(true);
          expect(isHidden(one, [...others, `^${hidden}/`])).toBe(true);
          expect(isHidden(one, [hidden, `!${hidden}`])).toBe(false);
          expect(isHidden(one, [`!${hidden}`, hidden])).toBe(true);
        }
        expect(isHidden(`${hidden}x`, [hidden])).toBe(false);
        expect(isHidden(hidden, [])).toBe(false);
      }),
    );
  });
});
