import { expect, test } from 'vitest';
import { shortHash } from '../../../src/protocol/digest.ts';

// From the test vectors of the hash's authors (draft-eastlake-fnv).
test.each([
  ['', '811c9dc5'],
  ['a', 'e40c292c'],
  ['foobar', 'bf9cf968'],
])('the short hash of %j', (text, hash) => {
  expect(shortHash(text)).toBe(hash);
});
