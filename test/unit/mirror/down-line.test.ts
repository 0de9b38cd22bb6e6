import { expect, test } from 'vitest';
import { downLine } from '../../../src/mirror/down-line.ts';

test.each([
  [3, ['eu'], [], 0, '; 3 refs of eu are kept unverified (gam status)'],
  [1, ['eu', 'us'], ['jp'], 7, '; 1 ref of eu and us is kept unverified (gam status)'],
  [0, [], [], 0, ', and no mirror could help'],
  [0, [], ['eu'], 0, ', and eu has nothing new'],
  [
    0,
    [],
    ['eu', 'us'],
    2,
    ', and eu and us have nothing new; 2 refs of earlier fetches are kept unverified (gam status)',
  ],
])('%i refs of %j, nothing from %j, %i before: %s', (refs, hosts, idle, left, expected) =>
  expect(downLine({ refs, hosts, idle }, left)).toBe(`canonical cannot be reached${expected}`),
);
