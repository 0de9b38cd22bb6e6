import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketDecoder } from '../../../src/pkt-line/decoder.ts';
import { packetLine } from '../../../src/pkt-line/packet.ts';
import {
  parseProcReceiveReport,
  type RefReport,
  writeProcReceiveReport,
} from '../../../src/protocol/proc-receive-report.ts';

const NONE = '0'.repeat(40);
const oid = fc.stringMatching(/^[1-9a-f][0-9a-f]{39}$/);
const ref = fc.stringMatching(/^refs\/heads\/[a-z0-9/._-]{1,40}$/);

const linesOf = (bytes: Buffer) =>
  new PacketDecoder().push(bytes).map((packet) => packetLine(packet) ?? packet.kind);

// githooks(5), "proc-receive": "ok <ref>", "ng <ref> <reason>", and option lines behind the former.
test('a report has a line for each ref, and names what was done in its place', () => {
  const moved = { ref: 'refs/heads/main', old: null, new: 'a'.repeat(40) };
  const reports = [
    { ref: 'refs/heads/a', refused: null },
    { ref: 'refs/heads/b', refused: 'no\nway' },
    { ref: 'refs/gam/request/x/ask', refused: null, instead: [moved, { ...moved, ref: 'refs/heads/next' }] },
  ];
  expect(linesOf(writeProcReceiveReport(reports, 40))).toEqual([
    'ok refs/heads/a',
    'ng refs/heads/b no way',
    'ok refs/gam/request/x/ask',
    'option refname refs/heads/main',
    `option old-oid ${NONE}`,
    `option new-oid ${'a'.repeat(40)}`,
    'ok refs/gam/request/x/ask',
    'option refname refs/heads/next',
    `option old-oid ${NONE}`,
    `option new-oid ${'a'.repeat(40)}`,
    'flush',
  ]);
});

test('whatever a refusal says, it is one packet', () => {
  fc.assert(
    fc.property(ref, fc.string({ unit: 'binary', maxLength: 200_000 }), (name, refused) => {
      const lines = linesOf(writeProcReceiveReport([{ ref: name, refused }], 40));
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(new RegExp(`^ng ${name.replace(/[.]/g, '\\.')} [^\\n]*$`));
    }),
    { numRuns: 30 },
  );
});

const id = fc.option(oid, { nil: null });
const done = fc
  .record({ ref, old: id, new: id, forced: fc.constant(true) }, { requiredKeys: [] })
  .filter((one) => Object.keys(one).length > 0);
const report: fc.Arbitrary<RefReport> = fc
  .oneof(
    fc.record({ ref, refused: fc.stringMatching(/^[a-z][a-z :;]{0,40}[a-z]$/) }),
    fc.record({ ref, refused: fc.constant(null) }),
    fc.record({ ref, refused: fc.constant(null), fallThrough: fc.constant(true) }),
    fc.record({ ref, refused: fc.constant(null), instead: fc.array(done, { minLength: 1, maxLength: 4 }) }),
  )
  .map((one) =>
    'refused' in one && typeof one.refused === 'string'
      ? { ...one, refused: one.refused.replace(/ +/g, ' ') }
      : one,
  );

test('a report is read as it was written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(report, { selector: (one) => one.ref }), (reports) => {
      const lines = linesOf(writeProcReceiveReport(reports, 40)).slice(0, -1);
      expect(parseProcReceiveReport(lines)).toEqual({ reports, odd: null });
    }),
  );
});

// receive-pack.c, read_proc_receive_report().
test.each([
  ['ng without a reason', ['ng refs/a'], [{ ref: 'refs/a', refused: 'failed' }], null],
  ['ng behind ok', ['ok refs/a', 'ng refs/a no'], [{ ref: 'refs/a', refused: 'no' }], null],
  ['ok behind ng', ['ng refs/a no', 'ok refs/a'], [{ ref: 'refs/a', refused: 'no' }], null],
  ['an option of nothing', ['option refname refs/b'], [], 'option refname refs/b'],
  [
    'an option of a refusal',
    ['ng refs/a no', 'option forced-update'],
    [{ ref: 'refs/a', refused: 'no' }],
    'option forced-update',
  ],
  [
    'an option that nobody knows',
    ['ok refs/a', 'option colour red'],
    [{ ref: 'refs/a', refused: null }],
    null,
  ],
  ['an id that is none', ['ok refs/a', 'option new-oid x'], [{ ref: 'refs/a', refused: null }], null],
  ['another word', ['yes refs/a', 'ok refs/b'], [{ ref: 'refs/b', refused: null }], 'yes refs/a'],
  ['no ref', ['ok'], [], 'ok'],
])('a report with %s', (_, lines, reports, odd) => {
  expect(parseProcReceiveReport(lines)).toEqual({ reports, odd });
});

test('whatever a hook says, what is read of it can be written', () => {
  const word = fc.constantFrom(
    'ok',
    'ng',
    'option',
    'refs/a',
    'refs/b',
    'refname',
    'new-oid',
    'fall-through',
    NONE,
  );
  const line = fc.oneof(
    fc.array(word, { maxLength: 4 }).map((words) => words.join(' ')),
    fc.string({ unit: 'binary', maxLength: 60_000 }).map((text) => `option refname ${text}`),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const { reports } = parseProcReceiveReport(lines);
      const again = linesOf(writeProcReceiveReport(reports, 40)).slice(0, -1);
      const read = parseProcReceiveReport(again);
      expect([read.odd, read.reports.map((one) => one.ref)]).toEqual([null, reports.map((one) => one.ref)]);
    }),
  );
});
