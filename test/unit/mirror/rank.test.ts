import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Measure, type Observation, observe } from '../../../src/mirror/measure.ts';
import { measureKeys } from '../../../src/mirror/measure-key.ts';
import type { Mirror } from '../../../src/mirror/mirror.ts';
import { type Known, knownRate, rankMirrors } from '../../../src/mirror/rank.ts';

const NOW = 1_000 * 86_400_000;
const NOTHING: Known = { own: null, line: null, location: null, distance: null };

function mirror(name: string, changes: Partial<Mirror> = {}): Mirror {
  return {
    url: `https://${name}/r`,
    source: 'config',
    preferred: false,
    site: name,
    refusal: null,
    ...changes,
  };
}

function after(...seen: Observation[]): Known {
  const own = seen.reduce<Measure | null>((measure, one) => observe(measure, one, NOW - 1000), null);
  return { ...NOTHING, own };
}

function served(latency: number, bytesPerSecond: number, share = 1): Known {
  return after(
    { kind: 'greeting', ms: latency },
    { kind: 'pack', bytes: 10 * bytesPerSecond, ms: 10_000 },
    { kind: 'hit', share, bytes: 1 },
  );
}

function order(all: Readonly<Record<string, Known>>, chance: number | null = null, first?: string): string[] {
  const mirrors = Object.keys(all).map((name) => mirror(name, { preferred: name === first }));
  return rankMirrors(mirrors, ({ site }) => all[site] ?? NOTHING, NOW, chance).map((one) => one.mirror.site);
}

const known = fc.oneof(
  fc.constant(NOTHING),
  fc
    .tuple(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 1, max: 2 ** 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([latency, rate, share]) => served(latency, rate, share)),
  fc
    .integer({ min: 1, max: 9 })
    .map((times) =>
      after(...Array.from({ length: times }, () => ({ kind: 'failure' as const, reason: 'x' }))),
    ),
);
const scene = fc.record({
  all: fc.array(fc.record({ known, preferred: fc.boolean(), refused: fc.boolean() }), { maxLength: 8 }),
  chance: fc.option(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
});

describe('rankMirrors', () => {
  test('gives every mirror one place, the same each time, the preferred ones first, as they were', () => {
    fc.assert(
      fc.property(scene, ({ all, chance }) => {
        const mirrors = all.map((one, index) =>
          mirror(`m${index}`, { preferred: one.preferred, refusal: one.refused ? 'x' : null }),
        );
        const of = (one: Mirror) => all[mirrors.indexOf(one)]?.known ?? NOTHING;
        const ranked = rankMirrors(mirrors, of, NOW, chance).map((one) => one.mirror);
        expect(new Set(ranked)).toEqual(new Set(mirrors));
        expect(ranked).toHaveLength(mirrors.length);
        expect(rankMirrors(mirrors, of, NOW, chance).map((one) => one.mirror)).toEqual(ranked);
        const preferred = mirrors.filter((one) => one.preferred);
        expect(ranked.slice(0, preferred.length)).toEqual(preferred);
      }),
    );
  });

  test('does not depend on the order of the configuration, but for equals', () => {
    fc.assert(
      fc.property(fc.array(known, { maxLength: 8 }), (all) => {
        const mirrors = all.map((_, index) => mirror(`m${index}`));
        const of = (one: Mirror) => all[mirrors.indexOf(one)] ?? NOTHING;
        const forth = rankMirrors(mirrors, of, NOW, null);
        const back = rankMirrors(mirrors.toReversed(), of, NOW, null);
        expect(back.map((one) => one.expected)).toEqual(forth.map((one) => one.expected));
      }),
    );
  });

  test('leaves the order of the configuration where nothing is known, whatever the chance', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
        expect(order({ a: NOTHING, b: NOTHING, c: NOTHING }, chance)).toEqual(['a', 'b', 'c']);
      }),
    );
  });

  test('puts the faster before the slower, and one that has what is wanted before one that has not', () => {
    const fast = served(5, 50e6);
    expect(order({ far: served(150, 50e6), near: fast })).toEqual(['near', 'far']);
    expect(order({ thin: served(5, 1e6), wide: fast })).toEqual(['wide', 'thin']);
    const missing = Array.from({ length: 9 }, () => ({ kind: 'miss' as const }));
    const measured: Observation[] = [
      { kind: 'greeting', ms: 5 },
      { kind: 'pack', bytes: 50e6, ms: 1000 },
    ];
    const fresh = served(20, 40e6);
    expect(order({ fresh, stale: after(...measured, ...missing) })).toEqual(['fresh', 'stale']);
    // Once is nothing: it may follow in a minute.
    expect(order({ fresh: served(90, 10e6), late: after(...measured, { kind: 'miss' }) })).toEqual([
      'late',
      'fresh',
    ]);
    const behind = after({ kind: 'greeting', ms: 5 }, { kind: 'checked', lag: 5000, lagSeconds: null });
    const level = after({ kind: 'greeting', ms: 9 }, { kind: 'checked', lag: 0, lagSeconds: 0 });
    expect(order({ behind, level })).toEqual(['level', 'behind']);
    const once = { kind: 'miss' as const };
    const caughtUp = after(...measured, once, once, { kind: 'checked', lag: 0, lagSeconds: 0 });
    expect(order({ late: after(...measured, once, once), caughtUp })).toEqual(['caughtUp', 'late']);
  });

  test('tries a stranger rather than one that turned out slow, but not rather than a fast one', () => {
    expect(order({ slow: served(900, 1e4), stranger: NOTHING })).toEqual(['stranger', 'slow']);
    expect(order({ stranger: NOTHING, fast: served(5, 50e6) })).toEqual(['fast', 'stranger']);
  });

  test('tries a stranger first now and then, behind the preferred one', () => {
    const all = { fast: served(5, 50e6), one: NOTHING, two: NOTHING, chosen: served(300, 1e6) };
    expect(order(all, 0.01, 'chosen')).toEqual(['chosen', 'one', 'fast', 'two']);
    expect(order(all, 0.09, 'chosen')).toEqual(['chosen', 'two', 'fast', 'one']);
    expect(order(all, 0.5, 'chosen')).toEqual(['chosen', 'fast', 'one', 'two']);
  });

  test('puts those that have failed last, but not a preferred one, nor the only one', () => {
    const failed = after({ kind: 'greeting', ms: 1 }, { kind: 'failure', reason: 'hung up' });
    expect(order({ failed, slow: served(900, 1e4) })).toEqual(['slow', 'failed']);
    expect(order({ other: served(1, 1e9), failed }, null, 'failed')).toEqual(['failed', 'other']);
    const [only] = rankMirrors([mirror('failed'), mirror('x', { refusal: 'no' })], () => failed, NOW, null);
    expect(only).toMatchObject({ mirror: { site: 'failed' }, backsOff: null });
  });

  test('judges a new repository by the line to its host', () => {
    const line = served(5, 50e6).own;
    expect(order({ stranger: NOTHING, 'known-host': { ...NOTHING, line } })).toEqual([
      'known-host',
      'stranger',
    ]);
  });
});

describe('the distance', () => {
  const away = (distance: number | null): Known => ({ ...NOTHING, distance });
  const kilometres = fc.integer({ min: 0, max: 20_015 });

  test('orders those that were never measured: the nearest first, equals as configured', () => {
    fc.assert(
      fc.property(fc.array(kilometres, { maxLength: 8 }), (distances) => {
        const mirrors = distances.map((_, index) => mirror(`m${index}`));
        const at = (one: Mirror) => distances[mirrors.indexOf(one)] ?? 0;
        const ranked = rankMirrors(mirrors, (one) => away(at(one)), NOW, null).map((one) => one.mirror);
        expect(ranked).toEqual(mirrors.toSorted((a, b) => at(a) - at(b)));
      }),
    );
  });

  test('puts one at an unknown place behind those of the same continent, before those overseas', () => {
    expect(order({ overseas: away(9000), unknown: NOTHING, near: away(1000) })).toEqual([
      'near',
      'unknown',
      'overseas',
    ]);
  });

  test('changes nothing for those that were measured, or among those at unknown places', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(known, kilometres), { maxLength: 8 }), (all) => {
        const mirrors = all.map((_, index) => mirror(`m${index}`));
        const of = (one: Mirror) => all[mirrors.indexOf(one)] ?? [NOTHING, 0];
        const isMeasured = ([what]: readonly [Known, number]) => (what.own?.latency.weight ?? 0) > 0;
        const near = (one: Mirror) => ({ ...of(one)[0], distance: isMeasured(of(one)) ? of(one)[1] : null });
        const places = (what: (one: Mirror) => Known) =>
          rankMirrors(mirrors, what, NOW, null).map((one) => [one.mirror.site, one.expected]);
        expect(places(near)).toEqual(places((one) => of(one)[0]));
      }),
    );
  });

  test('lets a near stranger go before one that turned out slow, not before a fast one, nor a preferred one', () => {
    const all = { slow: served(900, 1e4), fast: served(40, 50e6), near: away(10), chosen: served(300, 1e5) };
    expect(order(all, null, 'chosen')).toEqual(['chosen', 'fast', 'near', 'slow']);
  });

  test('counts no more once there is a measure of the line to the host', () => {
    const { own } = served(5, 50e6);
    const line = { ...NOTHING, line: own, distance: 20_000 };
    expect(order({ near: away(0), line })).toEqual(['line', 'near']);
  });

  test('does not save one that has failed', () => {
    const failed = { ...after({ kind: 'failure', reason: 'hung up' }), distance: 0 };
    expect(order({ failed, far: away(20_000) })).toEqual(['far', 'failed']);
  });
});

describe('knownRate', () => {
  const HOUR = 3_600_000;
  const pack = (bytes: number, ms: number) => after({ kind: 'greeting', ms: 5 }, { kind: 'pack', bytes, ms });

  test('is never more than what was seen, and next to it where much was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 64 * 1024, max: 2 ** 40 }),
        fc.integer({ min: 1, max: 10 ** 7 }),
        fc.integer({ min: 0, max: 30 * HOUR }),
        (bytes, ms, later) => {
          const rate = knownRate(pack(bytes, ms), NOW + later);
          const seen = (1000 * bytes) / ms;
          expect(rate).not.toBeNull();
          expect(rate).toBeLessThanOrEqual(seen * 1.001);
          if (later === 0 && ms > 10_000) expect(rate).toBeGreaterThan(0.98 * seen);
        },
      ),
    );
  });

  test('does not take a few packets that came together for a fast line', () => {
    expect(knownRate(pack(64 * 1024, 1), NOW)).toBeLessThan(4 * 1024 ** 2);
  });

  test('is not there for a stranger, long after, where only a greeting was seen, or what is wanted is lacking', () => {
    expect(knownRate(NOTHING, NOW)).toBeNull();
    expect(knownRate(after({ kind: 'greeting', ms: 5 }), NOW)).toBeNull();
    expect(knownRate(served(5, 50e6), NOW)).not.toBeNull();
    expect(knownRate(served(5, 50e6), NOW + 60 * HOUR)).toBeNull();
    const missing = Array.from({ length: 4 }, () => ({ kind: 'miss' as const }));
    const measured = [
      { kind: 'greeting', ms: 5 },
      { kind: 'pack', bytes: 50e6, ms: 1000 },
    ] as const;
    expect(knownRate(after(...measured, ...missing), NOW)).toBeNull();
    expect(knownRate(after(...measured, { kind: 'miss' }), NOW)).not.toBeNull();
  });

  test('is that of the host where the repository is new', () => {
    const line = served(5, 50e6).own;
    expect(knownRate({ ...NOTHING, line }, NOW)).toBe(knownRate({ ...NOTHING, own: line }, NOW));
  });
});

describe('measureKeys', () => {
  test.each([
    [
      'https://me:secret@Host.example/r.git?token=secret',
      'https://Host.example/r.git',
      'https://host.example',
    ],
    ['git@host.example:r', 'git@host.example:r', 'ssh://host.example'],
    ['ssh://me:secret@host.example:22/r', 'ssh://me@host.example:22/r', 'ssh://host.example:22'],
    ['/srv/r', '/srv/r', null],
  ])('name %s without its secret', (url, own, line) => {
    expect(measureKeys(url)).toMatchObject({ own, line });
  });

  test.each([
    ['https://EU.Mirror.example:8443/r.git', 'eu.mirror.example'],
    ['http://eu.mirror.example./r', 'eu.mirror.example'],
    ['ssh://git@eu.mirror.example:2222/r', 'eu.mirror.example'],
    ['git@eu.mirror.example:r', 'eu.mirror.example'],
    ['git://eu.mirror.example/r', 'eu.mirror.example'],
    ['https://[2A01:4F8::1]:8443/r', '2a01:4f8::1'],
    ['ssh://git@[2a01:4f8::1]/r', '2a01:4f8::1'],
    ['https://me:secret@eu.mirror.example/r', 'eu.mirror.example'],
    ['file:///srv/r', null],
    ['/srv/r', null],
  ])('take the host alone of %s', (url, host) => {
    expect(measureKeys(url).host).toBe(host);
  });
});

describe('mirrors of a server’s list', () => {
  const listed = (name: string, priority: number | null) => mirror(name, { source: 'server', priority });
  const names = (mirrors: Mirror[], of: Readonly<Record<string, Known>> = {}) =>
    rankMirrors(mirrors, ({ site }) => of[site] ?? NOTHING, NOW, null).map((one) => one.mirror.site);

  test('stand as its priorities say where nothing was measured, and those without one in the middle', () => {
    expect(names([listed('a', null), listed('b', 60), listed('c', 0), listed('d', 55)])).toEqual([
      'c',
      'a',
      'd',
      'b',
    ]);
  });

  test('stand by what was measured where it was, whatever the list says', () => {
    const seen = { a: served(5, 50e6), b: served(500, 1e5) };
    expect(names([listed('b', 0), listed('c', 1), listed('a', 100)], seen)).toEqual(['a', 'c', 'b']);
  });

  test('take no other places than they would without priorities', () => {
    const priority = fc.option(fc.integer({ min: 0, max: 100 }));
    const one = fc.record({ known, priority, isListed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), (all) => {
        const of = ({ site }: Mirror) => all[Number(site)]?.known ?? NOTHING;
        const made = (withPriority: boolean) =>
          rankMirrors(
            all.map(({ isListed, priority: told }, index) =>
              isListed && withPriority ? listed(String(index), told) : mirror(String(index)),
            ),
            of,
            NOW,
            null,
          ).map((ranked) => ranked.mirror.site);
        const [plain, ordered] = [made(false), made(true)];
        expect(ordered.toSorted()).toEqual(plain.toSorted());
        for (const [index, site] of plain.entries())
          if (!all[Number(site)]?.isListed) expect(ordered[index]).toBe(site);
      }),
    );
  });
});
