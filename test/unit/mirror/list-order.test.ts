import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ListedMirror, ListPolicy, MirrorState } from '../../../src/config/mirror-list.ts';
import { distanceBetween } from '../../../src/mirror/distance.ts';
import { type ListClient, orderListed, toldPriority } from '../../../src/mirror/list-order.ts';
import { parseLocation } from '../../../src/protocol/location.ts';

const DAY = 86_400_000;
const NOW = 20_000 * DAY;
const NOBODY: ListClient = { address: null, location: null };

function mirror(id: string, changes: Partial<ListedMirror> = {}): ListedMirror {
  return {
    id,
    url: `https://${id}/r`,
    location: null,
    priority: null,
    weight: 1,
    state: 'current',
    ...changes,
  };
}

function ids(mirrors: readonly ListedMirror[]): string[] {
  return mirrors.map(({ id }) => id);
}

const place = fc.option(fc.constantFrom('DE', 'US', 'JP', '0,0', '-33.9,151.2').map(parseLocation));
const listed = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[a-z]{1,6}$/),
    url: fc.webUrl(),
    location: place,
    priority: fc.option(fc.integer({ min: 0, max: 100 })),
    weight: fc.integer({ min: 0, max: 5 }),
    state: fc.constantFrom<MirrorState>('current', 'deprecated', 'refusing'),
  }),
  { selector: ({ id }) => id, maxLength: 20 },
);
const policy = fc.constantFrom<ListPolicy>('fixed', 'random', 'geoip');
const client = fc.record({ address: fc.option(fc.ipV4()), location: place });
const time = fc.integer({ min: 0, max: 2 ** 42 });

describe('the order of a list', () => {
  test('has every mirror that does not refuse once, by priority, whatever the policy', () => {
    fc.assert(
      fc.property(listed, policy, client, time, (mirrors, by, who, now) => {
        const ordered = orderListed(mirrors, by, who, now);
        const told = mirrors.filter(({ state }) => state !== 'refusing');
        expect(ids(ordered).sort()).toEqual(ids(told).sort());
        const priorities = ordered.map((one) => toldPriority(one) ?? 50);
        expect(priorities).toEqual([...priorities].sort((a, b) => a - b));
        const states = ordered.map(({ state }) => state);
        expect(states.lastIndexOf('current')).toBeLessThan(
          (states.indexOf('deprecated') + 1 || Infinity) - 1,
        );
      }),
    );
  });

  test('is the same for one client all day, so that pages do not overlap', () => {
    fc.assert(
      fc.property(listed, policy, client, fc.nat({ max: DAY - 1 }), (mirrors, by, who, later) => {
        expect(orderListed(mirrors, by, who, NOW + later)).toEqual(orderListed(mirrors, by, who, NOW));
      }),
    );
  });

  test('does not change among the others when a mirror is taken away', () => {
    fc.assert(
      fc.property(listed, policy, client, fc.nat(), (mirrors, by, who, index) => {
        const gone = mirrors[index % Math.max(1, mirrors.length)];
        const rest = mirrors.filter((one) => one !== gone);
        const before = orderListed(mirrors, by, who, NOW).filter((one) => one !== gone);
        expect(orderListed(rest, by, who, NOW)).toEqual(before);
      }),
    );
  });

  test.each(['fixed', 'random', 'geoip'] as const)('takes lists of 0, 1 and 1,000 mirrors by %s', (by) => {
    for (const size of [0, 1, 1000]) {
      const mirrors = Array.from({ length: size }, (_, n) => mirror(`m${n}`));
      expect(orderListed(mirrors, by, NOBODY, NOW)).toHaveLength(size);
    }
  });

  test('is that of the configuration where it is fixed, and a mirror without priority stands in the middle', () => {
    const mirrors = [
      mirror('b'),
      mirror('last', { priority: 51 }),
      mirror('a'),
      mirror('first', { priority: 49 }),
    ];
    expect(ids(orderListed(mirrors, 'fixed', NOBODY, NOW))).toEqual(['first', 'b', 'a', 'last']);
  });
});

describe('by geoip', () => {
  test('the nearest comes first, and those without a location last', () => {
    fc.assert(
      fc.property(listed, client, (mirrors, who) => {
        const alike = mirrors.map((one) => ({ ...one, priority: null, state: 'current' as const }));
        const ordered = orderListed(alike, 'geoip', who, NOW);
        const { location } = who;
        if (location === null) {
          expect(ordered).toEqual(alike);
          return;
        }
        const far = ordered.map((one) => one.location && distanceBetween(location, one.location));
        const known = far.filter((distance) => distance !== null);
        expect(far.slice(0, known.length)).toEqual([...known].sort((a, b) => a - b));
      }),
    );
  });

  test('priority counts more than distance', () => {
    const mirrors = [
      mirror('jp', { location: parseLocation('JP') }),
      mirror('de', { location: parseLocation('DE') }),
      mirror('us', { location: parseLocation('US'), priority: 1 }),
      mirror('somewhere'),
    ];
    const order = ids(orderListed(mirrors, 'geoip', { address: null, location: parseLocation('FR') }, NOW));
    expect(order).toEqual(['us', 'de', 'jp', 'somewhere']);
  });
});

describe('by chance', () => {
  const CLIENTS = 4000;

  function firsts(mirrors: readonly ListedMirror[], now = NOW): Record<string, number> {
    const counts: Record<string, number> = {};
    for (let n = 0; n < CLIENTS; n += 1) {
      const address = `192.0.${n >> 8}.${n & 255}`;
      const [first] = orderListed(mirrors, 'random', { address, location: null }, now);
      if (first) counts[first.id] = (counts[first.id] ?? 0) + 1;
    }
    return counts;
  }

  // Six standard deviations of a binomial: hashes are not drawn anew, so this fails always or never.
  function expectShare(count: number | undefined, share: number): void {
    const deviation = Math.sqrt(CLIENTS * share * (1 - share));
    expect(Math.abs((count ?? 0) - CLIENTS * share)).toBeLessThan(6 * deviation);
  }

  test('the first place falls to each in proportion to its weight', () => {
    const counts = firsts([
      mirror('a', { weight: 1 }),
      mirror('b', { weight: 2 }),
      mirror('c', { weight: 5 }),
    ]);
    for (const [id, share] of Object.entries({ a: 1 / 8, b: 2 / 8, c: 5 / 8 }))
      expectShare(counts[id], share);
  });

  // The first two places of many clients against what drawing without putting back gives, by Pearson's chi-square; the bound is that of
  // six standard deviations (Wilson and Hilferty 1931).
  test('the first two places fall as if drawn by weight, whatever the weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(weights, fc.nat({ max: 1000 }), (drawn, day) => {
        const mirrors = drawn.map((weight, n) => mirror(`m${n}`, { weight }));
        const counts = new Map<string, number>();
        for (let n = 0; n < CLIENTS; n += 1) {
          const who = { address: `198.51.${n >> 8}.${n & 255}`, location: null };
          const [first, second] = ids(orderListed(mirrors, 'random', who, NOW + day * DAY));
          counts.set(`${first} ${second}`, (counts.get(`${first} ${second}`) ?? 0) + 1);
        }
        const sum = drawn.reduce((all, weight) => all + weight, 0);
        const pairs = mirrors.flatMap((one) =>
          mirrors.filter((other) => other !== one).map((other) => [one, other] as const),
        );
        const chi = pairs.reduce((all, [one, other]) => {
          const expected = (CLIENTS * one.weight * other.weight) / (sum * (sum - one.weight));
          return all + ((counts.get(`${one.id} ${other.id}`) ?? 0) - expected) ** 2 / expected;
        }, 0);
        const freedom = pairs.length - 1;
        const spread = 2 / (9 * freedom);
        expect(chi).toBeLessThan(freedom * (1 - spread + 6 * Math.sqrt(spread)) ** 3);
      }),
      { seed: 4, numRuns: 6 },
    );
  });

  test('weights count within a priority only, and 0 comes last', () => {
    const mirrors = [mirror('none', { weight: 0 }), mirror('a'), mirror('b', { weight: 9, priority: 60 })];
    expect(firsts(mirrors)).toEqual({ a: CLIENTS });
    const orders = new Set(
      Array.from({ length: 50 }, (_, n) =>
        ids(orderListed(mirrors, 'random', { address: `192.0.2.${n}`, location: null }, NOW)).join(' '),
      ),
    );
    expect([...orders]).toEqual(['a none b']);
  });

  test('a client draws anew the next day', () => {
    const mirrors = [mirror('a'), mirror('b')];
    let changed = 0;
    for (let n = 0; n < CLIENTS; n += 1) {
      const who = { address: `192.0.${n >> 8}.${n & 255}`, location: null };
      const [today, tomorrow] = [NOW, NOW + DAY].map(
        (now) => orderListed(mirrors, 'random', who, now)[0]?.id,
      );
      if (today !== tomorrow) changed += 1;
    }
    expectShare(changed, 1 / 2);
  });
});
