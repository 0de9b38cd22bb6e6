import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { etcdKeys, type KeyRange, nameIn } from '../../../src/replica/etcd-keys.ts';

const group = fc.stringMatching(/^\w[\w.-]{0,20}$/);
// git takes any byte in a name but those of a few characters of ASCII (git-check-ref-format(1)).
const ref = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .map((text) => `refs/heads/${text.replace(/[\u0000-\u0020~^:?*[\\\u007f]/g, 'x')}`);

const isIn = (key: Buffer, range: KeyRange) =>
  Buffer.compare(key, range.key) >= 0 && Buffer.compare(key, range.range_end) < 0;

test('a key leads back to its ref, is in the range of its kind, and in no other group', () => {
  fc.assert(
    fc.property(group, group, ref, (one, other, name) => {
      const [keys, others] = [etcdKeys(one), etcdKeys(other)];
      expect(nameIn(keys.states, keys.state(name))).toBe(name);
      expect(nameIn(keys.locks, keys.lock(name))).toBe(name);
      const all = [keys.state(name), keys.lock(name), keys.wide, keys.part('1-2', 3)];
      const inRanges = (of: typeof keys) =>
        all.map((key) => [of.states, of.locks, of.parts('1-2')].map((range) => isIn(key, range)));
      expect(inRanges(keys)).toEqual([
        [true, false, false],
        [false, true, false],
        [false, false, false],
        [false, false, true],
      ]);
      if (one !== other) expect(inRanges(others).flat()).not.toContain(true);
    }),
  );
});

test('different refs have different keys', () => {
  fc.assert(
    fc.property(group, ref, ref, (one, a, b) => {
      const { state, lock } = etcdKeys(one);
      expect([state(a).equals(state(b)), lock(a).equals(lock(b))]).toEqual([a === b, a === b]);
    }),
  );
});

test('parts of a commit stand in their order', () => {
  const { part } = etcdKeys('eu');
  const numbers = [0, 9, 10, 99, 100, 119];
  const sorted = numbers.map((number) => part('7-1', number)).sort((a, b) => Buffer.compare(a, b));
  expect(sorted).toEqual(numbers.map((number) => part('7-1', number)));
});

test.each(['', 'a/b', 'a b', '.hidden', '-x', 'a\n', '$(x)', 'x'.repeat(101), '\u001b[2J'])(
  '%j is no name for a group',
  (name) => {
    expect(() => etcdKeys(name)).toThrow(expect.objectContaining({ code: 'bad-config' }));
    expect(() => etcdKeys(name)).not.toThrow(/[\u0000-\u001f]/);
  },
);
