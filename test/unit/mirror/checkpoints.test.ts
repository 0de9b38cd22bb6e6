import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkpoints } from '../../../src/mirror/checkpoints.ts';

const version = fc
  .array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 3 })
  .map((numbers) => `refs/tags/v${numbers.join('.')}`);
const other = fc.constantFrom('HEAD', 'refs/heads/main', 'refs/heads/v1', 'refs/pull/1/head');
const name = fc.oneof(version, other, fc.string({ minLength: 1 }));
const refs = fc.uniqueArray(
  fc.record({ name, oid: fc.constantFrom('1', '2').map((digit) => digit.repeat(40)) }),
  { selector: (ref) => ref.name, maxLength: 60 },
);

test('everything is in exactly one part, no part is empty, and only tags come before the last', () => {
  fc.assert(
    fc.property(refs, fc.boolean(), (all, goesOn) => {
      const parts = checkpoints(all, goesOn);
      expect(parts.flat()).toHaveLength(all.length);
      expect(new Set(parts.flat())).toEqual(new Set(all));
      if (all.length > 0) for (const part of parts) expect(part.length).toBeGreaterThan(0);
      for (const ref of parts.slice(0, -1).flat()) expect(ref.name.startsWith('refs/tags/')).toBe(true);
    }),
  );
});

test('older versions come first, and the order of the refs does not matter', () => {
  fc.assert(
    fc.property(refs, (all) => {
      const parts = checkpoints(all, false).slice(0, -1);
      expect(checkpoints(all.toReversed(), false).slice(0, -1)).toEqual(parts);
    }),
  );
  const versions = ['v1.0', 'v1.1', 'v1.2', 'v1.9', 'v1.10', 'v1.11', 'v2.0', 'v10.0'];
  const tags = versions.map((tag) => ({ name: `refs/tags/${tag}`, oid: '1' }));
  expect(checkpoints(tags.toReversed(), false).flat()).toEqual(tags);
});

test('a few tags are not worth a cut', () => {
  const tags = ['v1', 'v2', 'v3'].map((tag) => ({ name: `refs/tags/${tag}`, oid: '1' }));
  expect(checkpoints(tags, false)).toEqual([tags]);
});

test('but behind a break each one is, and so is what is no tag', () => {
  const all = ['refs/heads/main', 'refs/tags/v2', 'HEAD', 'refs/tags/v1'].map((one) => ({
    name: one,
    oid: '1',
  }));
  const names = checkpoints(all, true).map((part) => part.map((ref) => ref.name));
  expect(names).toEqual([['refs/tags/v1'], ['refs/tags/v2'], ['refs/heads/main', 'HEAD']]);
  expect(checkpoints(all.slice(0, 1), true)).toHaveLength(1);
});

// They were once handed on as the arguments of one call, which the stack cannot hold.
test('two hundred thousand branches beside the tags', () => {
  const all = Array.from({ length: 200_000 }, (_, n) => ({
    name: n < 8 ? `refs/tags/v${n}` : `refs/heads/${n}`,
    oid: '1',
  }));
  expect(checkpoints(all, false).map((part) => part.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 199_993]);
});
