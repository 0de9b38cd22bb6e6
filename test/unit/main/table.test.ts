import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layOut, writeTable } from '../../../src/main/table.ts';
import type { ListedMirror } from '../../../src/mirror/listing.ts';
import { mirrorColumns } from '../../../src/mirror/mirror-columns.ts';

describe('writeTable', () => {
  test('on a terminal never goes beyond its width', () => {
    const cell = fc.stringMatching(/^[ -~]{0,120}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell)), fc.integer({ min: 40, max: 200 }), (rows, width) => {
        for (const line of writeTable(['A', 'B', 'C'], rows, width))
          expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('piped cuts nothing and aligns all columns', () => {
    const long = 'x'.repeat(300);
    expect(
      writeTable(
        ['A', 'B'],
        [
          ['1', long],
          ['long', ''],
        ],
        null,
      ),
    ).toEqual(['A     B', `1     ${long}`, 'long']);
  });
});

describe('the table of mirrors', () => {
  const mirror: ListedMirror = {
    url: 'https://eu.mirror.example/group/project.git',
    site: 'eu.mirror.example',
    canonical: 'https://far.example/project.git',
    source: 'config',
    preferred: false,
    priority: null,
    location: null,
    state: 'ready',
    reason: null,
    latencyMs: 12.3,
    bytesPerSecond: 18_200_000,
    lag: 0,
    hits: 31,
    misses: 2,
    lastUsed: '2026-01-01T00:00:00.000Z',
    rank: 1,
    lagSeconds: 0,
    bytesSaved: 120_000_000,
    failures: 0,
    distanceKm: 6400,
  };
  const now = Date.parse('2026-01-01T00:03:20.000Z');
  const lines = (width: number | null, of = mirror) =>
    layOut(mirrorColumns([of], 'REMOTE', ['origin'], now), width);

  test('drops on a narrow terminal what is worth least, and leaves the URL some room', () => {
    expect(lines(80)).toEqual([
      'STATE  LATENCY  RATE        LAG  HITS  SAVED      USED   URL',
      'ready  12 ms    17.4 MiB/s  0    94 %  114.4 MiB  3 min  https://eu.mirror.ex...',
    ]);
    for (let width = 20; width < 200; width += 1)
      for (const line of lines(width)) expect(line.length).toBeLessThanOrEqual(width);
    expect(lines(null)[0]).toMatch(/^RANK  REMOTE .* SOURCE  SITE  +URL$/);
  });

  test('tells how far a mirror is as long as that decides, where there is room', () => {
    const far = { ...mirror, latencyMs: null, bytesPerSecond: null, lag: null, hits: null, misses: null };
    const unmeasured = { ...far, bytesSaved: null, lastUsed: null };
    expect(lines(80, unmeasured)).toEqual([
      'RANK  REMOTE  STATE  DISTANCE  SOURCE  SITE               URL',
      '1     origin  ready  6400 km   config  eu.mirror.example  https://eu.mirror.e...',
    ]);
    expect(lines(null, { ...unmeasured, distanceKm: null })[0]).not.toMatch(/RANK|DISTANCE/);
    expect(lines(null)[0]).not.toMatch(/DISTANCE/);
    const both = layOut(mirrorColumns([mirror, unmeasured], 'REMOTE', ['origin', 'origin'], now), 80);
    expect(both[0]).toBe(lines(80)[0]);
  });

  test('has no column in which nothing is known', () => {
    const unknown = {
      distanceKm: null,
      latencyMs: null,
      bytesPerSecond: null,
      lag: null,
      hits: null,
      misses: null,
    };
    const bare = { ...mirror, ...unknown, lastUsed: null, bytesSaved: null, lagSeconds: null };
    expect(lines(null, bare)[0]).toBe('REMOTE  STATE  SOURCE  SITE               URL');
  });
});
