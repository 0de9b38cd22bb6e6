import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  convergence,
  DIVERGED_REFS,
  differing,
  divergedRef,
  inOrder,
} from '../../../src/replica/converge.ts';

const oid = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f').map((letter) => letter.repeat(40));
const ref = fc.constantFrom(...Array.from({ length: 8 }, (_, n) => `refs/heads/${n}`));
const values = fc.array(fc.tuple(ref, oid)).map((entries) => new Map(entries));
const safe = fc.uniqueArray(oid).map((oids) => new Set(oids));

test('afterwards refs are what they are meant to be, and nothing that would be lost is gone', () => {
  fc.assert(
    fc.property(values, values, safe, (current, wanted, kept) => {
      const { swaps } = convergence(current, wanted, (one) => kept.has(one));
      const after = new Map(current);
      for (const { ref: name, old, new: to } of swaps) {
        expect(after.get(name) ?? null).toBe(old);
        if (to === null) after.delete(name);
        else after.set(name, to);
      }
      const published = new Map([...after].filter(([name]) => !name.startsWith(DIVERGED_REFS)));
      expect(published).toEqual(wanted);
      const tips = new Set(after.values());
      for (const [name, one] of current)
        if (wanted.get(name) !== one && !kept.has(one)) expect(tips).toContain(one);
    }),
  );
});

test('what is as it should be is not touched', () => {
  fc.assert(
    fc.property(values, safe, (current, kept) => {
      expect(convergence(current, new Map(current), (one) => kept.has(one))).toEqual({ swaps: [], kept: [] });
      expect(differing(current, current)).toEqual([]);
    }),
  );
});

test('each tip that is kept has a place of its own', () => {
  fc.assert(
    fc.property(ref, oid, ref, oid, (a, x, b, y) => {
      expect(divergedRef(a, x) === divergedRef(b, y)).toBe(a === b && x === y);
    }),
  );
});

test('in order, whatever makes room for others goes first, and nothing is left out', () => {
  const name = fc.constantFrom(...['a', 'a/b', 'a/b/c', 'd'].map((part) => `refs/heads/${part}`));
  const swap = fc
    .record({ ref: name, old: fc.option(oid), new: fc.option(oid) })
    .filter((one) => one.old !== one.new);
  fc.assert(
    fc.property(fc.uniqueArray(swap, { selector: (one) => one.ref }), (swaps) => {
      const batches = inOrder(swaps);
      expect(batches.flat().toSorted((x, y) => (x.ref < y.ref ? -1 : 1))).toEqual(
        swaps.toSorted((x, y) => (x.ref < y.ref ? -1 : 1)),
      );
      const isNear = (x: string, y: string) => x.startsWith(`${y}/`) || y.startsWith(`${x}/`);
      for (const batch of batches)
        for (const made of batch.filter((one) => one.old === null))
          expect(batch.filter((one) => one.new === null && isNear(one.ref, made.ref))).toEqual([]);
    }),
  );
});
