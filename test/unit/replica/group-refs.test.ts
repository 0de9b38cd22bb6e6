import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lockedFor, lockRef, refOfLock, refOfState, stateRef } from '../../../src/replica/group-refs.ts';

// What git takes for a name (git-check-ref-format(1)), as far as a part of one can show it.
const part = fc
  .string({ unit: fc.constantFrom(...Array.from('abcXYZ019%+-_#@!=,äé日')), minLength: 1, maxLength: 90 })
  .filter((text) => text !== '@' && !text.startsWith('-'));
const ref = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `refs/heads/${parts.join('/')}`);

test('a state stands under the name of its ref, and leads back to it', () => {
  fc.assert(
    fc.property(ref, (one) => {
      expect(refOfState(stateRef(one))).toBe(one);
    }),
  );
});

test('locks of different refs are different, none is the folder of another, and none is too long for a file', () => {
  fc.assert(
    fc.property(ref, ref, (one, other) => {
      const [a, b] = [lockRef(one), lockRef(other)];
      expect(a === b).toBe(one === other);
      expect(a.split('/')).toHaveLength(4);
      expect(Buffer.byteLength(a.slice('refs/gam/locks/'.length))).toBeLessThanOrEqual(255 - '.lock'.length);
      expect(a).toMatch(/^[^\s~^:?*[\\\u0000-\u001f\u007f]+$/);
      expect(Buffer.from(a).toString()).toBe(a);
    }),
  );
});

test('a lock tells whose it is, as long as the name is not too long', () => {
  fc.assert(
    fc.property(ref, (one) => {
      const told = refOfLock(lockRef(one));
      if (lockRef(one).length < 200) expect(told).toBe(one);
      else expect(told.startsWith('refs/heads/')).toBe(true);
    }),
  );
});

test('refs are locked once each, in order; very many by one lock for all of them', () => {
  expect(lockedFor(['refs/heads/b', 'refs/heads/a', 'refs/heads/b'])).toEqual([
    'refs/heads/a',
    'refs/heads/b',
  ]);
  const many = Array.from({ length: 501 }, (_, n) => `refs/heads/${n}`);
  expect(lockedFor(many)).toEqual(['many refs']);
  expect(refOfLock(lockRef('many refs'))).toBe('many refs');
});
