import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import { pointAt } from '../../../src/protocol/location.ts';
import { type MirrorList, MOST_LISTED, type OfferedMirror } from '../../../src/protocol/mirror-list.ts';
import { parseMirrorListJson, writeMirrorListJson } from '../../../src/protocol/mirror-list-json.ts';

const url = fc.webUrl({ withQueryParameters: true });
const mirror: fc.Arbitrary<OfferedMirror> = fc.record({
  id: fc.oneof(
    fc.constantFrom('eu', 'a.b', '__proto__', 'url', 'ÄÖ "ü'),
    fc.stringMatching(/^[\w.-]{1,64}$/),
  ),
  url,
  location: fc.option(
    fc
      .tuple(fc.integer({ min: -90, max: 90 }), fc.integer({ min: -180, max: 180 }))
      .map(([n, e]) => pointAt(n, e)),
  ),
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

const EMPTY: MirrorList = {
  canonical: [],
  mirrors: [],
  more: 0,
  prefer: null,
  ttl: null,
  state: 'current',
  successor: null,
  stale: null,
};

describe('a mirror list as JSON', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(list, (one) => {
        expect(parseMirrorListJson(writeMirrorListJson(one))).toEqual(one);
      }),
    );
  });

  test('may be about nothing, and hold what is not known', () => {
    expect(parseMirrorListJson('{"version":1}')).toEqual(EMPTY);
    const more =
      '{"version":1,"mirrors":[{"id":"a","url":"https://a/","colour":["red"]}],"x":{"y":1},"ttl":{}}';
    expect(parseMirrorListJson(more)).toMatchObject({ mirrors: [{ id: 'a', url: 'https://a/' }], ttl: null });
  });

  const mirrors = (...all: unknown[]) => JSON.stringify({ version: 1, mirrors: all });
  const A = { id: 'a', url: 'https://a/' };
  test.each([
    ['no JSON', '<html>', /no JSON/],
    ['an array', '[]', /no object/],
    ['null', 'null', /no object/],
    ['another version', '{"version":2}', /version 2/],
    ['no version', '{}', /version none/],
    ['canonical that is no array', '{"version":1,"canonical":"https://a/"}', /'canonical' that is no array/],
    ['mirrors that are no array', '{"version":1,"mirrors":{"length":1}}', /'mirrors' that is no array/],
    ['a mirror that is none', mirrors(null), /without an id/],
    ['an id that is no text', mirrors({ ...A, id: {} }), /without an id/],
    ['an empty id', mirrors({ ...A, id: '' }), /id that is none/],
    ['two of one id', mirrors(A, A), /two URLs/],
    ['a long id', mirrors({ ...A, id: 'a'.repeat(65) }), /id that is none/],
    ['a long URL', mirrors({ ...A, url: 'a'.repeat(3000) }), /URL that is none/],
    [
      'more than can be',
      mirrors(...Array.from({ length: MOST_LISTED + 1 }, (_, id) => ({ ...A, id: `${id}` }))),
      /more than 1024/,
    ],
  ])('is refused with %s', (_, text, why) => {
    expect(() => parseMirrorListJson(text)).toThrow(why);
  });

  test('of whatever kind is a list, or is refused in order', () => {
    const value = fc.anything({ maxDepth: 4 });
    const odd = fc.record(
      {
        version: fc.constant(1),
        canonical: value,
        mirrors: fc.oneof(value, fc.array(fc.oneof(mirror, value))),
        ttl: value,
        more: value,
      },
      { requiredKeys: ['version'] },
    );
    fc.assert(
      fc.property(fc.oneof(odd, value), (made) => {
        const text =
          JSON.stringify(made, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one)) ?? '';
        try {
          const read = parseMirrorListJson(text);
          expect(read.mirrors.length).toBeLessThanOrEqual(MOST_LISTED);
          expect(Number.isSafeInteger(read.more)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(GamError);
          expect(error).toMatchObject({ code: 'bad-mirror-list' });
        }
      }),
    );
  });
});
