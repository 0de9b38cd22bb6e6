import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import { PacketDecoder } from '../../../src/pkt-line/decoder.ts';
import { DELIM, dataPacket, FLUSH, linePacket, RESPONSE_END } from '../../../src/pkt-line/encode.ts';
import { HEADER_LENGTH, LONGEST_PACKET, type Packet, packetLine } from '../../../src/pkt-line/packet.ts';
import { BAND, bandPayload } from '../../../src/pkt-line/sideband.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.constantFrom(FLUSH, DELIM, RESPONSE_END),
  bytes(200).map((content) => dataPacket(content)),
);
const packets = fc.array(packet, { maxLength: 30 });

function wire(list: readonly Packet[]): Buffer {
  return Buffer.concat(list.map(({ raw }) => raw));
}

function plain(list: readonly Packet[]): string[] {
  return list.map(({ kind, raw }) => `${kind} ${raw.toString('hex')}`);
}

test('what is encoded is decoded, however the chunks fall', () => {
  fc.assert(
    fc.property(packets, fc.array(fc.integer({ min: 1, max: 60 })), (list, cuts) => {
      const decoder = new PacketDecoder();
      const found: Packet[] = [];
      const all = wire(list);
      let at = 0;
      for (const cut of cuts) {
        found.push(...decoder.push(all.subarray(at, at + cut)));
        at += cut;
      }
      found.push(...decoder.push(all.subarray(at)));
      expect(plain(found)).toEqual(plain(list));
      expect(decoder.pending).toHaveLength(0);
    }),
  );
});

test('a decoder takes nothing but its own packets, and keeps what is incomplete', () => {
  fc.assert(
    fc.property(packets, bytes(300), (list, content) => {
      const decoder = new PacketDecoder();
      const last = dataPacket(content).raw;
      const found = decoder.push(Buffer.concat([wire(list), last.subarray(0, -1)]));
      expect(plain(found)).toEqual(plain(list));
      expect(decoder.pending).toEqual(last.subarray(0, -1));
      expect(wire(decoder.push(last.subarray(-1)))).toEqual(last);
    }),
  );
});

test('any bytes: packets whose raw bytes are the input, or an error, never more memory than a packet', () => {
  fc.assert(
    fc.property(fc.array(bytes(100)), (chunks) => {
      const decoder = new PacketDecoder();
      const found: Packet[] = [];
      try {
        for (const chunk of chunks) found.push(...decoder.push(chunk));
      } catch (error) {
        expect(error).toBeInstanceOf(GamError);
        expect((error as GamError).code).toBe('bad-packet');
        return;
      }
      expect(Buffer.concat([wire(found), decoder.pending])).toEqual(Buffer.concat(chunks));
      expect(decoder.pending.length).toBeLessThan(LONGEST_PACKET);
    }),
  );
});

test.each(['0003', 'fff1', 'ffff', '-001', '+004', ' 004', '0x04', '00 4', 'HTTP', '<htm', '\u0000000'])(
  'no packet has the length %j',
  (length) => {
    expect(() => new PacketDecoder().push(Buffer.from(`${length}data`))).toThrow(/no packet length/);
  },
);

test('the longest packet passes, one byte more is refused', () => {
  const longest = dataPacket(Buffer.alloc(LONGEST_PACKET - HEADER_LENGTH));
  expect(longest.raw.toString('latin1', 0, 4)).toBe('fff0');
  expect(new PacketDecoder().push(longest.raw)).toHaveLength(1);
  expect(() => dataPacket(Buffer.alloc(LONGEST_PACKET - HEADER_LENGTH + 1))).toThrow(/too long/);
});

test('lines: the LF is added and taken away once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (line) => {
      expect(packetLine(linePacket(line))).toBe(line);
    }),
  );
  expect(packetLine(FLUSH)).toBeNull();
  expect(packetLine(dataPacket('no end'))).toBe('no end');
});

test('a band is the first byte', () => {
  expect(bandPayload(BAND.error, Buffer.from('x'))).toEqual(Buffer.from([3, 0x78]));
});
