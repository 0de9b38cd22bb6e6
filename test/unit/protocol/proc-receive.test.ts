import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketDecoder } from '../../../src/pkt-line/decoder.ts';
import { linePacket } from '../../../src/pkt-line/encode.ts';
import { packetLine } from '../../../src/pkt-line/packet.ts';
import {
  parseProcReceiveAnswer,
  parseProcReceiveVersion,
  parseRefUpdate,
  writeProcReceiveVersion,
  writePushOptions,
  writeRefUpdates,
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

test('the answer of a hook is read as receive-pack reads it', () => {
  const none = { atomic: false, pushOptions: false };
  expect(parseProcReceiveAnswer([linePacket('version=1\0push-options')])).toEqual({
    ...none,
    pushOptions: true,
  });
  expect(parseProcReceiveAnswer([])).toEqual(none);
  expect(parseProcReceiveAnswer([linePacket('hello'), linePacket('version=1')])).toEqual(none);
  expect(parseProcReceiveAnswer([linePacket('version=2')])).toBeUndefined();
});

test('whatever is offered is read as it was written', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), (atomic, pushOptions) => {
      const packets = new PacketDecoder().push(writeProcReceiveVersion({ atomic, pushOptions }));
      expect(parseProcReceiveVersion(packets[0])).toEqual({ atomic, pushOptions });
    }),
  );
});

test('commands are written as they are read', () => {
  const id = fc.option(oid, { nil: null });
  fc.assert(
    fc.property(fc.array(fc.record({ ref, old: id, new: id })), (updates) => {
      const lines = linesOf(writeRefUpdates(updates, 40));
      expect(lines.pop()).toBe('flush');
      expect(lines.map(parseRefUpdate)).toEqual(updates);
    }),
  );
});

// receive-pack ends neither with an LF, and a hook in shell compares what it gets.
test('commands and push options have no end of a line', () => {
  const update = { ref: 'refs/for/main', old: null, new: 'a'.repeat(40) };
  const [command] = new PacketDecoder().push(writeRefUpdates([update], 40));
  expect(command?.raw.toString()).toBe(`0063${NONE} ${update.new} refs/for/main`);
  expect(writePushOptions(['topic=x', '']).toString()).toBe('000btopic=x00040000');
});
