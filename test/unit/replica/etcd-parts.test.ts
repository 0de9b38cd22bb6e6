import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePart, parseWideRecord, writeParts, writeWideRecord } from '../../../src/replica/etcd-parts.ts';

const oid = fc.oneof(
  fc.constant(null),
  fc.stringMatching(/^[0-9a-f]{40}$/),
  fc.stringMatching(/^[0-9a-f]{64}$/),
);
const ref = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .map((text) => `refs/${text.replace(/[\u0000-\u0020~^:?*[\\\u007f]/g, 'x')}`);
const values = fc.array(fc.record({ ref, oid }), { maxLength: 30 });

test('what refs become is read as it was written, from parts that are no larger than they may be', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 400, max: 2000 }), (all, most) => {
      const parts = writeParts(all, most);
      expect(parts.flatMap((part) => parsePart(part))).toEqual(all);
      for (const part of parts) expect(part.length).toBeLessThanOrEqual(most);
    }),
  );
});

test('a part of which an end is missing is none', () => {
  fc.assert(
    fc.property(values, fc.nat(), (all, cut) => {
      const [part = Buffer.from('')] = writeParts(all);
      const kept = part.subarray(0, part.length === 0 ? 0 : cut % part.length);
      // Where it is cut behind a line, the lines are counted by nobody: a part is one value of etcd's, which is whole or not there.
      fc.pre(kept.length > 0 && kept.at(-1) !== 10);
      expect(parsePart(kept)).toBeNull();
    }),
  );
});

const record = fc.record({
  phase: fc.constantFrom('preparing' as const, 'committed' as const),
  id: fc.stringMatching(/^[0-9]{1,19}-[0-9]{1,5}$/),
  parts: fc.nat({ max: 9999 }),
});

test('a record is read as it was written; anything else is none', () => {
  fc.assert(
    fc.property(record, (one) => {
      expect(parseWideRecord(writeWideRecord(one))).toEqual(one);
      expect(parseWideRecord(`${writeWideRecord(one)}\n`)).toBeNull();
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseWideRecord(text)).toBeNull();
    }),
  );
});
