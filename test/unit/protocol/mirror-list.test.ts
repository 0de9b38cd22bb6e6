import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { requestedCommand } from '../../../src/protocol/fetch-request.ts';
import { pointAt } from '../../../src/protocol/location.ts';
import {
  type MirrorList,
  MOST_LISTED,
  type OfferedMirror,
  parseMirrorList,
  writeMirrorList,
} from '../../../src/protocol/mirror-list.ts';
import {
  listedVariable,
  parseMirrorListRequest,
  writeMirrorListRequest,
} from '../../../src/protocol/mirror-list-request.ts';

const url = fc.webUrl({ withQueryParameters: true });
const degrees = fc.tuple(fc.integer({ min: -90, max: 90 }), fc.integer({ min: -180, max: 180 }));
const mirror: fc.Arbitrary<OfferedMirror> = fc.record({
  id: fc.oneof(fc.constantFrom('eu', 'a.b', '__proto__', 'url', 'ÄÖ ü'), fc.stringMatching(/^[\w.-]{1,64}$/)),
  url,
  location: fc.option(degrees.map(([north, east]) => pointAt(north, east))),
  priority: fc.option(fc.integer({ min: 0, max: 100 })),
});
const list: fc.Arbitrary<MirrorList> = fc.record({
  canonical: fc.array(url, { maxLength: 4 }),
  mirrors: fc.uniqueArray(mirror, { selector: ({ id }) => id }),
  more: fc.nat(),
  prefer: fc.option(fc.constantFrom('temporary', 'permanent')),
  ttl: fc.option(fc.nat({ max: 1_000_000 })),
  state: fc.constantFrom('current', 'deprecated', 'refusing', 'moved'),
  successor: fc.option(url),
  stale: fc.option(fc.nat()),
});

const VERSION: [string, string] = ['mirror.version', '1'];

function read(...variables: [string, string][]): MirrorList {
  return parseMirrorList([VERSION, ...variables]);
}

describe('a mirror list', () => {
  test('is read as it was written, also by way of packets', () => {
    fc.assert(
      fc.property(list, (original) => {
        const variables = writeMirrorList(original);
        expect(parseMirrorList(variables)).toEqual(original);
        const packets = variables.map(([key, value]) => linePacket(`${key}=${value}`));
        const received = packets.map(listedVariable).filter((variable) => variable !== null);
        expect(received).toStrictEqual(variables);
      }),
    );
  });

  test('is read or refused, whatever it holds', () => {
    const key = fc.oneof(fc.string(), fc.stringMatching(/^mirror\.[a-z.]{0,12}(url|ttl|more|priority)$/));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.string())), (variables) => {
        try {
          const once = parseMirrorList([VERSION, ...variables]);
          expect(parseMirrorList(writeMirrorList(once))).toStrictEqual(once);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-mirror-list', tryElsewhere: true });
        }
      }),
    );
  });

  test('may hold a thousand mirrors, and none at all', () => {
    const many = Array.from({ length: 1000 }, (_, n): [string, string] => [
      `mirror.m${n}.url`,
      `https://m${n}/`,
    ]);
    expect(read(...many).mirrors).toHaveLength(1000);
    expect(read()).toStrictEqual({
      canonical: [],
      mirrors: [],
      more: 0,
      prefer: null,
      ttl: null,
      state: 'current',
      successor: null,
      stale: null,
    });
  });

  test('ignores what it does not know, and values that cannot be read', () => {
    const strange = read(
      ['mirror.colour', 'red'],
      ['mirror.eu.colour', 'blue'],
      ['mirror.us.location', 'US'],
      ['other.eu.url', 'https://x/'],
      ['mirror.eu.url', 'https://eu/'],
      ['mirror.eu.priority', 'NaN'],
      ['mirror.eu.location', '91,0'],
      ['mirror.more', '-1'],
      ['mirror.prefer', 'always'],
      ['mirror.state', 'gone'],
      ['mirror.ttl', '1e9'],
    );
    expect(strange.mirrors).toStrictEqual([{ id: 'eu', url: 'https://eu/', location: null, priority: null }]);
    expect(strange).toMatchObject({ more: 0, prefer: null, state: 'current', ttl: null });
  });

  test.each(['-1', '101', '1.5', '', '0x10', '99999999999999999999'])('has no priority %o', (priority) => {
    expect(
      read(['mirror.a.url', 'https://a/'], ['mirror.a.priority', priority]).mirrors[0]?.priority,
    ).toBeNull();
  });

  test('is good for twelve weeks at most', () => {
    expect(read(['mirror.ttl', '1000000000000000000']).ttl).toBe(12 * 7 * 24 * 3600);
    expect(read(['mirror.ttl', '0']).ttl).toBe(0);
  });

  test.each<[string, [string, string][]]>([
    ['version 2', [['mirror.version', '2']]],
    [
      'two URLs of one id',
      [
        ['mirror.a.url', 'https://a/'],
        ['mirror.a.url', 'https://b/'],
      ],
    ],
    ['an empty URL', [['mirror.a.url', '']]],
    ['an endless URL', [['mirror.a.url', `https://${'a'.repeat(3000)}/`]]],
    ['an empty id', [['mirror..url', 'https://a/']]],
    ['an endless id', [[`mirror.${'a'.repeat(65)}.url`, 'https://a/']]],
    [
      'more mirrors than any list has',
      Array.from({ length: MOST_LISTED + 1 }, (_, n): [string, string] => [`mirror.${n}.url`, 'https://a/']),
    ],
    [
      'more canonical URLs than any list has',
      Array.from({ length: MOST_LISTED + 1 }, (): [string, string] => ['mirror.canonical', 'https://a/']),
    ],
  ])('is refused with %s', (_, variables) => {
    expect(() => read(...variables)).toThrow(expect.objectContaining({ code: 'bad-mirror-list' }));
  });

  test('is refused without a version', () => {
    expect(() => parseMirrorList([])).toThrow(/is of version none/);
  });
});

describe('a request for it', () => {
  test('is read as it was written', () => {
    const capability = fc.constantFrom('agent=git/2.39.5', 'object-format=sha256');
    fc.assert(
      fc.property(fc.option(url), fc.nat(), fc.array(capability), (asked, skip, capabilities) => {
        const packets = writeMirrorListRequest({ url: asked, skip }, capabilities);
        expect(requestedCommand(packets)).toBe('mirror-list');
        expect(parseMirrorListRequest(packets)).toStrictEqual({ url: asked, skip });
      }),
    );
  });

  test('may have no arguments, and others', () => {
    const head = linePacket('command=mirror-list');
    const nothing = { url: null, skip: 0 };
    expect(parseMirrorListRequest([head, FLUSH])).toStrictEqual(nothing);
    expect(parseMirrorListRequest([head, DELIM, FLUSH])).toStrictEqual(nothing);
    const odd = ['url=', 'colour=red'].map(linePacket);
    expect(parseMirrorListRequest([head, DELIM, ...odd, FLUSH])).toStrictEqual(nothing);
  });

  test.each(['skip=-1', 'skip=', 'skip=1.5', 'skip=0x10', `url=${'a'.repeat(60_000)}`])(
    'is refused with %.20s',
    (line) => {
      const packets = [linePacket('command=mirror-list'), DELIM, linePacket(line), FLUSH];
      expect(() => parseMirrorListRequest(packets)).toThrow(expect.objectContaining({ code: 'bad-request' }));
    },
  );
});
