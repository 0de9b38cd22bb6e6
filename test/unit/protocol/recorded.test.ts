import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PacketDecoder } from '../../../src/pkt-line/decoder.ts';
import { type Packet, packetLine } from '../../../src/pkt-line/packet.ts';
import { objectFormat, parseAdvertisement, writeAdvertisement } from '../../../src/protocol/advertisement.ts';
import { parseRefLine } from '../../../src/protocol/ls-refs.ts';

// What git's own upload-pack said; fixtures/wire/record.sh has the recipe.
const MAIN = 'c29b3412b24ec135f9768f86f67e8fec1e3fa62e';
const TAG = '63f6a67a45fb4795480f5176262a9aff7a610f8c';

function recorded(name: string): Packet[] {
  const bytes = readFileSync(new URL(`../../../fixtures/wire/${name}.bin`, import.meta.url));
  const decoder = new PacketDecoder();
  const packets = decoder.push(bytes);
  expect(decoder.pending).toHaveLength(0);
  expect(Buffer.concat(packets.map((packet) => packet.raw))).toEqual(bytes);
  return packets;
}

function linesOf(packets: readonly Packet[]): string[] {
  return packets.map(packetLine).filter((line) => line !== null);
}

test('the greeting of upload-pack', () => {
  const lines = linesOf(recorded('greeting'));
  const advertisement = parseAdvertisement(lines);
  expect(advertisement?.capabilities.get('fetch')).toBe('shallow wait-for-done');
  expect(advertisement?.capabilities.get('object-info')).toBeNull();
  expect(advertisement && objectFormat(advertisement)).toBe('sha1');
  expect(advertisement && writeAdvertisement(advertisement)).toEqual(lines);
});

test('its answer to ls-refs', () => {
  const refs = linesOf(recorded('ls-refs')).map(parseRefLine);
  expect(refs).toEqual([
    { name: 'HEAD', oid: MAIN, peeled: null },
    { name: 'refs/heads/main', oid: MAIN, peeled: null },
    { name: 'refs/tags/v1', oid: TAG, peeled: MAIN },
  ]);
});

test('its answer to fetch: a section, the pack in its band, a flush', () => {
  const packets = recorded('fetch');
  const [section, pack] = packets;
  expect(section && packetLine(section)).toBe('packfile');
  expect(pack?.kind === 'data' && pack.payload.toString('latin1', 0, 5)).toBe('\x01PACK');
  expect(packets.at(-1)?.kind).toBe('flush');
});
