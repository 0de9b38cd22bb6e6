import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isDue,
  isUnread,
  type KeptList,
  NO_LIST,
  parseKeptList,
  timeToLive,
  writeKeptList,
} from '../../../src/mirror/kept-list.ts';
import { parseLocation } from '../../../src/protocol/location.ts';

const CANONICAL = 'https://far.example.com/project.git';

const count = fc.nat();
const offer = fc.record({
  url: fc.webUrl(),
  location: fc.constantFrom(null, parseLocation('DE'), parseLocation('52.5,13.4')),
  priority: fc.option(fc.integer({ min: 0, max: 100 })),
  barred: fc.option(fc.constantFrom('a login', 'no host "x"')),
});
const list: fc.Arbitrary<KeptList> = fc.record({
  asked: count,
  ttl: count,
  mirrors: fc.array(offer, { maxLength: 20 }),
  more: count,
  listed: count,
  prefer: fc.constantFrom(null, 'temporary', 'permanent'),
  state: fc.constantFrom('current', 'deprecated', 'refusing', 'moved'),
  successor: fc.option(fc.webUrl()),
  told: count,
  commit: fc.constantFrom(null, 'a'.repeat(40)),
});

test('a list is read as it was written, of its own server and source alone', () => {
  fc.assert(
    fc.property(list, (kept) => {
      expect(parseKeptList(writeKeptList(kept, CANONICAL), CANONICAL)).toEqual(kept);
      expect(parseKeptList(writeKeptList(kept, CANONICAL), `${CANONICAL}2`)).toBeNull();
      const published = writeKeptList(kept, CANONICAL, 'published');
      expect(parseKeptList(published, CANONICAL)).toBeNull();
      expect(parseKeptList(published, CANONICAL, 'published')).toEqual(kept);
    }),
  );
});

test('what is cut, damaged, or made up is no list, or one without what makes no sense', () => {
  const text = writeKeptList({ ...NO_LIST, asked: 1, ttl: 1 }, CANONICAL);
  for (let end = 0; end < text.length - 1; end += 1)
    expect(parseKeptList(text.slice(0, end), CANONICAL)).toBeNull();
  const made = (changes: object) =>
    parseKeptList(
      JSON.stringify({ version: 1, canonical: CANONICAL, source: 'server', asked: 1, ttl: 1, ...changes }),
      CANONICAL,
    );
  expect(made({})).toEqual({ ...NO_LIST, asked: 1, ttl: 1 });
  expect(made({ asked: -1 })).toBeNull();
  expect(made({ ttl: 'x' })).toBeNull();
  expect(made({ source: undefined })).toBeNull();
  expect(
    made({ mirrors: [null, 1, {}, { url: '' }, { url: 'https://m/\u001b' }, { url: 'x'.repeat(3000) }] }),
  ).toEqual(made({}));
  expect(made({ mirrors: {}, state: 'x', prefer: {}, more: 1.5 })).toEqual(made({}));
  fc.assert(fc.property(fc.json(), (json) => void parseKeptList(json, CANONICAL)));
});

test('a list is good for its time, a minute at least, an hour where it does not say', () => {
  expect([timeToLive(0), timeToLive(null), timeToLive(7200)]).toEqual([60, 3600, 7200]);
  const kept = { ...NO_LIST, asked: 100_000, ttl: 60 };
  expect(isDue(null, 0)).toBe(true);
  expect(isDue(kept, 100_000)).toBe(false);
  expect(isDue(kept, 159_999)).toBe(false);
  expect(isDue(kept, 160_000)).toBe(true);
  // The clock was set back.
  expect(isDue(kept, 99_999)).toBe(true);
});

test('a published list is read when it is another one, and after a while when it could not be had', () => {
  const [one, other] = ['a'.repeat(40), 'b'.repeat(40)];
  expect(isUnread(null, one, 0)).toBe(true);
  const kept = { ...NO_LIST, asked: 100_000, ttl: 60, commit: one };
  expect(isUnread(kept, one, 1_000_000)).toBe(false);
  expect(isUnread(kept, other, 100_000)).toBe(true);
  expect(isUnread({ ...kept, commit: null }, one, 159_999)).toBe(false);
  expect(isUnread({ ...kept, commit: null }, one, 160_000)).toBe(true);
});
