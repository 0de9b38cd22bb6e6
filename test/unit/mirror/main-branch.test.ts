import { expect, test } from 'vitest';
import { mainBranch } from '../../../src/mirror/main-branch.ts';

const refs = (names: Readonly<Record<string, string>>) =>
  Object.entries(names).map(([name, oid]) => ({ name, oid }));

test.each([
  [
    'the one that HEAD is at',
    { 'refs/heads/main': '1', 'refs/heads/next': '2', HEAD: '2' },
    'refs/heads/next',
  ],
  ['one of a usual name', { 'refs/heads/a': '1', 'refs/heads/master': '2' }, 'refs/heads/master'],
  ['any other', { 'refs/tags/v1': '1', 'refs/heads/a': '2' }, 'refs/heads/a'],
  ['none where there are but tags', { 'refs/tags/v1': '1', HEAD: '1' }, undefined],
])('%s', (_what, names, expected) => {
  expect(mainBranch(refs(names))?.name).toBe(expected);
});
