import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketDecoder } from '../../../src/pkt-line/decoder.ts';
import { linePacket } from '../../../src/pkt-line/encode.ts';
import { packetLine } from '../../../src/pkt-line/packet.ts';
import {
  parseProcReceiveVersion,
  parseRefUpdate,
  writeProcReceiveReport,
  writeProcReceiveVersion,
} from '../../../src/protocol/proc-receive.ts';

const NONE = '0'.repeat(40);
const oid = fc.stringMatching(/^[1-9a-f][0-9a-f]{39}$/);
const ref = fc.stringMatching(/^refs\/heads\/[a-z0-9/._-]{1,40}$/);

const linesOf = (bytes: Buffer) =>
  new PacketDecoder().push(bytes).map((packet) => packetLine(packet) ?? packet.kind);

test('a command is read as receive-pack writes it', () => {
  fc.assert(
    fc.property(fc.option(oid, { nil: null }), fc.option(oid, { nil: null }), ref, (old, to, name) => {
      expect(parseRefUpdate(`${old ?? NONE} ${to ?? NONE} ${name}`)).toEqual({ ref: name, old, new: to });
    }),
  );
});

test('anything else is no command', () => {
  fc.assert(
    fc.property(fc.string(), (line) => {
      expect(parseRefUpdate(line)).toBeNull();
    }),
  );
});

test('the version is read with what receive-pack offers, and answered in its words', () => {
  const version = (line: string) => parseProcReceiveVersion(linePacket(line));
  const none = { atomic: false, pushOptions: false };
  const all = { atomic: true, pushOptions: true };
  expect(version('version=1')).toEqual(none);
  expect(version('version=1\0atomic')).toEqual({ ...none, atomic: true });
  expect(version('version=1\0push-options atomic')).toEqual(all);
  expect(version('version=2\0atomic')).toBeUndefined();
  expect(parseProcReceiveVersion(undefined)).toBeUndefined();
  expect(linesOf(writeProcReceiveVersion(all))).toEqual(['version=1\0atomic push-options', 'flush']);
  expect(linesOf(writeProcReceiveVersion(none))).toEqual(['version=1', 'flush']);
});

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
