import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import { PacketDecoder } from '../../../src/pkt-line/decoder.ts';
import { DELIM, dataPacket, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';
import { BAND, bandPayload } from '../../../src/pkt-line/sideband.ts';
import { argumentValues, parseFetchRequest } from '../../../src/protocol/fetch-request.ts';
import {
  PUBLISHED_REF,
  PublishedAnswer,
  seekPublished,
  writePublishedRequest,
} from '../../../src/protocol/published-list.ts';

const request = (prefixes: readonly string[]): Packet[] => [
  ...['command=ls-refs', 'agent=git/2.39.5'].map(linePacket),
  DELIM,
  ...['peel', ...prefixes.map((prefix) => `ref-prefix ${prefix}`)].map(linePacket),
  FLUSH,
];

/** As a server answers, whether or not it heeds prefixes. */
function answered(packets: readonly Packet[], names: readonly string[], heeds: boolean): string[] {
  const prefixes = argumentValues(parseFetchRequest(packets), 'ref-prefix');
  return names.filter(
    (name) => !heeds || prefixes.length === 0 || prefixes.some((one) => name.startsWith(one)),
  );
}

const NAMES = [
  'HEAD',
  'refs/heads/main',
  'refs/tags/v1',
  PUBLISHED_REF,
  `${PUBLISHED_REF}-old`,
  'refs/meta/config',
];
const prefix = fc.constantFrom(
  'HEAD',
  'refs/heads/',
  'refs/',
  'refs/meta/',
  'refs/meta/mirrors',
  `${PUBLISHED_REF}-`,
);

describe('a request for refs', () => {
  test('brings where the list is, and git sees what it would have seen', () => {
    fc.assert(
      fc.property(fc.subarray(NAMES), fc.array(prefix, { maxLength: 3 }), (names, prefixes) => {
        const asked = request(prefixes);
        const { packets, hides } = seekPublished(asked);
        const all = answered(packets, names, true);
        expect(all.includes(PUBLISHED_REF)).toBe(names.includes(PUBLISHED_REF));
        expect(all.filter((name) => !hides(name))).toEqual(answered(asked, names, true));
      }),
    );
  });

  test('keeps what stands in it to the byte, and its end', () => {
    const asked = request(['HEAD']);
    const { packets } = seekPublished(asked);
    const bytes = (some: readonly Packet[]) => Buffer.concat(some.map(({ raw }) => raw)).toString();
    expect(bytes(packets)).toBe(
      `${bytes(asked.slice(0, -1))}${bytes([linePacket(`ref-prefix ${PUBLISHED_REF}`), FLUSH])}`,
    );
    expect(seekPublished(request([])).packets).toEqual(request([]));
  });
});

test('the list is asked for with nothing but its commit, worded as git words its own requests', () => {
  const commit = 'a'.repeat(40);
  const { capabilities, arguments: words } = parseFetchRequest(writePublishedRequest(commit, ['agent=x']));
  expect(capabilities).toEqual(['command=fetch', 'agent=x']);
  expect(words).toEqual([`want ${commit}`, 'deepen 1', 'ofs-delta', 'no-progress', 'done']);
});

describe('the answer', () => {
  const take = (packets: readonly Packet[]) => {
    const answer = new PublishedAnswer();
    for (const packet of packets) answer.packet(packet);
    return answer.pack;
  };
  const head = [
    linePacket('shallow-info'),
    linePacket(`shallow ${'a'.repeat(40)}`),
    DELIM,
    linePacket('packfile'),
  ];
  const band = (number: number, bytes: Uint8Array) => dataPacket(bandPayload(number, Buffer.from(bytes)));

  test('is its pack, in whatever pieces, and whatever the server tells of its progress', () => {
    const piece = fc.record({ progress: fc.boolean(), bytes: fc.uint8Array() });
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const packets = pieces.map(({ progress, bytes }) =>
          band(progress ? BAND.progress : BAND.data, bytes),
        );
        const sent = pieces.filter(({ progress }) => !progress).map(({ bytes }) => Buffer.from(bytes));
        expect(take([...head, ...packets, FLUSH])).toEqual(Buffer.concat(sent));
      }),
    );
  });

  test('is nothing that it should not be, and no more than a mebibyte', () => {
    expect(() => take([linePacket('ERR no')])).toThrow("comes with 'ERR no'");
    expect(() => take([linePacket('packfile-uris')])).toThrow(GamError);
    expect(() => take([...head, band(BAND.error, Buffer.from('no'))])).toThrow('breaks off');
    const large = band(BAND.data, Buffer.alloc(60_000));
    expect(() => take([...head, ...Array.from({ length: 18 }, () => large)])).toThrow('more than 1 MiB');
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          take(new PacketDecoder().push(Buffer.from(bytes)));
        } catch (error) {
          expect(error).toBeInstanceOf(GamError);
        }
      }),
    );
  });
});
