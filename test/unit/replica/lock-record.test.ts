import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLockRecord, writeLockRecord } from '../../../src/replica/lock-record.ts';

const word = fc.stringMatching(/^[\w.-]{1,100}$/);
const count = fc.nat({ max: 999_999_999_999_999 });
const oid = fc.option(fc.stringMatching(/^[0-9a-f]{40}$/), { nil: null });
const change = fc.record({ ref: fc.stringMatching(/^refs\/[^\n ]{1,50}$/), old: oid, new: oid });
const record = fc.record({
  holder: word,
  transaction: word,
  since: count,
  leaseMs: count,
  renewal: count,
  changes: fc.array(change, { maxLength: 5 }),
});

test('a record is read as it was written, whatever a later version adds', () => {
  fc.assert(
    fc.property(record, fc.stringMatching(/^[a-z]+ [^\n]*$/), (one, more) => {
      expect(parseLockRecord(writeLockRecord(one))).toEqual(one);
      fc.pre(!/^(?:holder|transaction|since|lease|renewal|change) /.test(more));
      expect(parseLockRecord(`${writeLockRecord(one)}${more}\n`)).toEqual(one);
    }),
  );
});

test('each renewal is another text', () => {
  fc.assert(
    fc.property(record, (one) => {
      expect(writeLockRecord({ ...one, renewal: one.renewal + 1 })).not.toBe(writeLockRecord(one));
    }),
  );
});

test('anything else is no record, and raises nothing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseLockRecord(text)).toBeNull();
    }),
  );
  const good = writeLockRecord({
    holder: 'eu',
    transaction: 'x',
    since: 1,
    leaseMs: 2,
    renewal: 3,
    changes: [],
  });
  for (const bad of [
    'holder e u',
    'holder \u001b[2J',
    'since -1',
    'lease 1e9',
    'renewal ',
    `holder ${'x'.repeat(101)}`,
  ]) {
    const [name = ''] = bad.split(' ');
    expect(parseLockRecord(good.replace(new RegExp(`^${name} .*$`, 'm'), bad))).toBeNull();
  }
});
