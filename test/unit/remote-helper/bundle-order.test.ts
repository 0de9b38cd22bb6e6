import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import type { BundleList } from '../../../src/protocol/bundle-list.ts';
import { inOrder } from '../../../src/remote-helper/bundle-order.ts';

// A chain of bundles, each built on the one before; a repository has the first few of them already.

interface Played {
  list: BundleList;
  /** How many of the chain are here before. */
  had: number;
  broken: ReadonlySet<number>;
}

/** What was taken, in its order, and how many tries it took; null when nothing was. */
async function play({ list, had, broken }: Played): Promise<{ taken: number[]; tries: number[] } | null> {
  const here = new Set(Array.from({ length: had }, (_, index) => index));
  const [taken, tries]: [number[], number[]] = [[], []];
  try {
    await inOrder(list, {
      clone: had === 0,
      limit: 60_000,
      take(candidate) {
        const day = Number(candidate.bundle.id);
        tries.push(day);
        candidate.known = here.has(day);
        candidate.waits = !candidate.known && day > 0 && !here.has(day - 1);
        const fails = candidate.known || candidate.waits || broken.has(day);
        if (fails) return Promise.reject(new GamError('mirror-unusable', 'no', { tryElsewhere: true }));
        here.add(day);
        taken.push(day);
        return Promise.resolve();
      },
      failed: () => undefined,
    });
  } catch (error) {
    expect(error).toBeInstanceOf(GamError);
    return null;
  }
  return { taken, tries };
}

function chain(days: readonly number[], byToken: boolean, mode: 'all' | 'any' = 'all'): BundleList {
  const bundles = days.map((day) => ({
    id: `${day}`,
    uri: `${day}.bundle`,
    creationToken: byToken ? BigInt(day) : null,
    filter: null,
  }));
  return { mode, byToken, bundles };
}

const shuffled = (length: number) => fc.shuffledSubarray([...Array(length).keys()], { minLength: length });

describe('the bundles of a list', () => {
  test('are all taken that are not here, each behind what it builds on, whatever the order of the list', async () => {
    const scene = fc
      .integer({ min: 1, max: 8 })
      .chain((length) => fc.record({ days: shuffled(length), byToken: fc.boolean(), had: fc.nat(length) }));
    await fc.assert(
      fc.asyncProperty(scene, async ({ days, byToken, had }) => {
        const played = await play({ list: chain(days, byToken), had, broken: new Set() });
        const missing = [...days].sort((a, b) => a - b).filter((day) => day >= had);
        expect(played?.taken ?? []).toEqual(missing);
      }),
    );
  });

  test('that are broken cost those that build on them, and no others', async () => {
    const days = [0, 1, 2, 3, 4];
    expect((await play({ list: chain(days, true), had: 0, broken: new Set([3]) }))?.taken).toEqual([0, 1, 2]);
    expect(await play({ list: chain(days, true), had: 0, broken: new Set([0]) })).toBeNull();
  });

  test('by token: a fetch looks at the newest and no further back than it must', async () => {
    const played = await play({ list: chain([0, 1, 2, 3, 4, 5], true), had: 4, broken: new Set() });
    expect(played).toEqual({ taken: [4, 5], tries: [5, 4, 5] });
    expect(await play({ list: chain([0, 1, 2], true), had: 3, broken: new Set() })).toBeNull();
  });

  test('of which one does are left when one is here', async () => {
    const played = await play({ list: chain([0, 1, 2], false, 'any'), had: 0, broken: new Set() });
    expect(played).toEqual({ taken: [0], tries: [0] });
  });

  test('that fail one after the other are given up', async () => {
    const alone = chain([0, 10, 20, 30, 40, 50], false);
    let tries = 0;
    const failing = inOrder(alone, {
      clone: true,
      limit: 60_000,
      take: () => {
        tries += 1;
        return Promise.reject(new GamError('mirror-broken', 'hung up', { tryElsewhere: true }));
      },
      failed: () => undefined,
    });
    await expect(failing).rejects.toThrow('hung up');
    expect(tries).toBe(3);
  });
});
