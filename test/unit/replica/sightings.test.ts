import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  behindLook,
  noteSightings,
  parseSightings,
  type Sighting,
  writeSightings,
} from '../../../src/replica/sightings.ts';

const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const oid = fc.constantFrom('a', 'b').map((letter) => letter.repeat(40));
const lag = fc.record({
  ref: fc.stringMatching(/^refs\/heads\/[a-zé@/-]{1,20}$/),
  has: fc.option(oid),
  since: time,
});
const sighting: fc.Arbitrary<Sighting> = fc.record({
  member: fc.stringMatching(/^[a-z0-9]{1,8}$/),
  current: fc.option(time),
  silent: fc.option(time),
  lags: fc.array(lag, { maxLength: 5 }),
});
const isKnown = ({ current, silent, lags }: Sighting) =>
  current !== null || silent !== null || lags.length > 0;

describe('sightings', () => {
  test('are read as they were written', () => {
    const all = fc.uniqueArray(sighting, { selector: ({ member }) => member });
    fc.assert(
      fc.property(all, (sightings) => {
        expect(parseSightings(writeSightings(sightings))).toEqual(sightings.filter(isKnown));
      }),
    );
  });

  test('are read from any text without a failure, and written again alike', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('lag', 'current', ' ', '\n', '7', '-', 'x') }),
        (text) => {
          const read = parseSightings(text);
          expect(parseSightings(writeSightings(read))).toEqual(read);
        },
      ),
    );
  });
});

const NOTHING: Sighting = { member: 'us', current: null, silent: null, lags: [] };
const [OLD, NEWER, NEWEST] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];
const at = (has: string | null, meant: string | null = NEWEST) => ({
  answered: true,
  lags: [{ ref: 'refs/heads/main', has, meant }],
});

describe('behind a look', () => {
  test('a member that stands where it stood is behind since it was first seen there', () => {
    const first = behindLook(NOTHING, at(OLD), 1000);
    const second = behindLook(first, at(OLD, NEWER), 5000);
    expect(second.lags).toEqual([{ ref: 'refs/heads/main', has: OLD, since: 1000 }]);
  });

  // A follower of a branch that is pushed to each second is behind at each look, and never for long.
  test('a member that has moved, and is behind again, is newly so', () => {
    const first = behindLook(NOTHING, at(OLD), 1000);
    expect(behindLook(first, at(NEWER), 5000).lags[0]?.since).toBe(5000);
  });

  test('silence lasts from the first look without an answer to the next answer', () => {
    const silent = { answered: false, lags: null };
    const once = behindLook(NOTHING, silent, 1000);
    const twice = behindLook(once, silent, 9000);
    expect([twice.silent, twice.current]).toEqual([1000, null]);
    expect(behindLook(twice, { answered: true, lags: null }, 9500).silent).toBeNull();
    const back = behindLook(twice, { answered: true, lags: [] }, 9900);
    expect(back).toEqual({ ...NOTHING, current: 9900 });
  });

  test('what it was behind at is still known when it is silent, or nobody knows what it should have', () => {
    const behind = behindLook(NOTHING, at(OLD), 1000);
    for (const look of [
      { answered: false, lags: null },
      { answered: true, lags: null },
    ])
      expect(behindLook(behindLook(behind, look, 2000), at(OLD), 3000).lags[0]?.since).toBe(1000);
  });

  test('a clock that was set back makes nothing last from the future', () => {
    const behind = behindLook(NOTHING, at(OLD), 9000);
    expect(behindLook(behind, at(OLD), 1000).lags[0]?.since).toBe(1000);
  });

  test('of many refs the hundred that have been behind for longest are remembered', () => {
    const refs = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => ({ ref: `refs/heads/${from + n}`, has: OLD, meant: null }));
    const first = behindLook(NOTHING, { answered: true, lags: refs(300, 350) }, 1000);
    const second = behindLook(first, { answered: true, lags: [...refs(0, 200), ...refs(300, 350)] }, 2000);
    expect(second.lags).toHaveLength(100);
    expect(second.lags.filter(({ since }) => since === 1000)).toHaveLength(50);
  });
});

test('members that have left the group are forgotten, and a file that cannot be written is no failure', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gam-sightings-'));
  const file = join(folder, 'sightings');
  const current = { answered: true, lags: [] };
  try {
    noteSightings(
      file,
      new Map([
        ['eu', current],
        ['us', current],
      ]),
      1000,
    );
    noteSightings(file, new Map([['eu', { answered: false, lags: null }]]), 2000);
    expect(
      noteSightings(
        file,
        new Map([
          ['eu', current],
          ['us', at(OLD)],
        ]),
        3000,
      ),
    ).toEqual(
      new Map([
        ['eu', { member: 'eu', current: 3000, silent: null, lags: [] }],
        [
          'us',
          {
            member: 'us',
            current: null,
            silent: null,
            lags: [{ ref: 'refs/heads/main', has: OLD, since: 3000 }],
          },
        ],
      ]),
    );
    writeFileSync(join(folder, 'file'), '');
    expect(noteSightings(join(folder, 'file', 'x'), new Map([['eu', current]]), 7).get('eu')?.current).toBe(
      7,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
