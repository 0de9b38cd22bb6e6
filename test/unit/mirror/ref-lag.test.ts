import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refsBehind } from '../../../src/mirror/ref-lag.ts';

const name = fc.constantFrom(
  'refs/heads/a',
  'refs/heads/b',
  'refs/tags/a',
  'refs/meta/a',
  'HEAD',
  'refs/mirror/x/heads/a',
);
const refs = fc.array(fc.tuple(name, fc.constantFrom('1', '2'))).map((pairs) => new Map(pairs));

test('a mirror is behind by each branch and tag that it has not, or has elsewhere', () => {
  fc.assert(
    fc.property(refs, refs, (own, theirs) => {
      const behind = refsBehind(own, theirs);
      const told = [...own.keys()].filter(
        (ref) => ref.startsWith('refs/heads/') || ref.startsWith('refs/tags/'),
      );
      const level = told.filter((ref) => theirs.get(ref) === own.get(ref));
      expect(behind + level.length).toBe(told.length);
      expect(refsBehind(own, own)).toBe(0);
      // What only the mirror has makes it no worse.
      expect(refsBehind(own, new Map([...theirs, ['refs/heads/theirs', '9']]))).toBe(behind);
    }),
  );
});
