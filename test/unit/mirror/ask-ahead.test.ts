import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAskedFor, maySoonAsk, namesAhead, paysToAskAhead } from '../../../src/mirror/ask-ahead.ts';
import { type Measure, type Observation, observe } from '../../../src/mirror/measure.ts';
import type { Known } from '../../../src/mirror/rank.ts';

const NOW = 1_000 * 86_400_000;
const HOUR = 3_600_000;
const NOTHING: Known = { own: null, line: null, location: null, distance: null };

function after(...seen: Observation[]): Known {
  return { ...NOTHING, own: seen.reduce<Measure | null>((measure, one) => observe(measure, one, NOW), null) };
}

const greeting = (ms: number): Observation => ({ kind: 'greeting', ms });
const HIT: Observation = { kind: 'hit', share: 1, bytes: 0 };
const MISS: Observation = { kind: 'miss' };
const FIVE = Array.from({ length: 5 }, () => HIT);

const latency = fc.integer({ min: 1, max: 5000 });
const habit = fc.array(fc.constantFrom(HIT, MISS), { maxLength: 12 });

describe('paysToAskAhead', () => {
  test('where canonical is far and had something new five times, and the mirror is near', () => {
    const near = after(greeting(10));
    const far = after(greeting(200), ...FIVE);
    expect(paysToAskAhead(near, far, NOW)).toBe(true);
    expect(paysToAskAhead(near, far, NOW + 12 * HOUR)).toBe(true);
    expect(paysToAskAhead(near, after(greeting(200), ...FIVE.slice(1)), NOW)).toBe(false);
  });

  test('never where the mirror is not nearer, nor where fetches find nothing as often as not', () => {
    fc.assert(
      fc.property(latency, latency, habit, (near, far, seen) => {
        const pays = paysToAskAhead(after(greeting(near)), after(greeting(far), ...seen), NOW);
        const hits = seen.filter((one) => one === HIT).length;
        if (near >= far || 2 * hits <= seen.length) expect(pays).toBe(false);
      }),
    );
  });

  test('the more so the farther canonical, the nearer the mirror, and the more often something was new', () => {
    fc.assert(
      fc.property(latency, latency, habit, fc.nat(1000), (near, far, seen, more) => {
        const canonical = (ms: number, ...then: Observation[]) => after(greeting(ms), ...seen, ...then);
        if (!paysToAskAhead(after(greeting(near)), canonical(far), NOW)) return;
        expect(paysToAskAhead(after(greeting(near)), canonical(far + more), NOW)).toBe(true);
        expect(paysToAskAhead(after(greeting(near / (1 + more))), canonical(far), NOW)).toBe(true);
        expect(paysToAskAhead(after(greeting(near)), canonical(far, HIT), NOW)).toBe(true);
      }),
    );
  });

  test('never where nothing is known of either side, or what is known is of long ago', () => {
    const near = after(greeting(10));
    const far = after(greeting(200), ...FIVE, HIT);
    expect(paysToAskAhead(NOTHING, far, NOW)).toBe(false);
    expect(paysToAskAhead(near, NOTHING, NOW)).toBe(false);
    expect(paysToAskAhead(near, { ...NOTHING, line: far.own }, NOW)).toBe(false);
    expect(paysToAskAhead(near, far, NOW + 60 * HOUR)).toBe(false);
  });
});

describe('namesAhead', () => {
  test.each([
    [['+refs/heads/*:refs/remotes/origin/*'], ['HEAD', 'refs/heads/', 'refs/tags/']],
    [
      ['refs/heads/main:refs/x', '^refs/heads/no'],
      ['HEAD', 'refs/heads/main', 'refs/tags/'],
    ],
    [['+refs/*:refs/*'], ['HEAD', 'refs/', 'refs/tags/']],
    [['main', ''], []],
    [[], []],
  ])('of %j: %j', (refspecs, names) => {
    expect(namesAhead(refspecs)).toEqual(names);
  });

  test('take in all that a refspec fetches, and the tags', () => {
    const word = fc.stringMatching(/^[a-z]{1,5}$/);
    fc.assert(
      fc.property(word, word, word, fc.boolean(), (folder, name, tag, force) => {
        const names = namesAhead([`${force ? '+' : ''}refs/${folder}/*:refs/remotes/origin/*`]);
        const wanted = [`refs/${folder}/${name}`, `refs/tags/${tag}`, 'HEAD'];
        expect(
          isAskedFor(
            wanted.map((one) => ({ name: one, oid: '' })),
            names,
          ),
        ).toBe(true);
        expect(isAskedFor([{ name: `refs/${folder}x/${name}`, oid: '' }], names)).toBe(
          `${folder}x` === 'tags',
        );
      }),
    );
  });
});

describe('maySoonAsk', () => {
  test('where nothing is remembered, or what is was long ago', () => {
    expect(maySoonAsk(NOTHING, NOW)).toBe(true);
    expect(maySoonAsk(after(greeting(200)), NOW)).toBe(true);
    expect(maySoonAsk(after(MISS), NOW)).toBe(false);
    expect(maySoonAsk(after(MISS), NOW + 1000 * HOUR)).toBe(true);
  });

  test('where more fetches found something than did not', () => {
    fc.assert(
      fc.property(habit, (seen) => {
        const hits = seen.filter((one) => one === HIT).length;
        expect(maySoonAsk(after(...seen), NOW)).toBe(seen.length === 0 || 2 * hits > seen.length);
      }),
    );
  });

  test('wherever it pays to ask ahead', () => {
    fc.assert(
      fc.property(latency, latency, habit, (near, far, seen) => {
        const canonical = after(greeting(far), ...seen);
        if (paysToAskAhead(after(greeting(near)), canonical, NOW))
          expect(maySoonAsk(canonical, NOW)).toBe(true);
      }),
    );
  });
});
