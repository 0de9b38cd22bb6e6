import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HostedRef, planHosted, wayOf } from '../../../src/replica/hosted-plan.ts';

// A small history: 1 - 2 - 3 and 1 - 4; 5 is alone.
const ANCESTORS: Readonly<Record<string, string>> = { 1: '1', 2: '12', 3: '123', 4: '14', 5: '5' };
const leads = (from: string, to: string) => (ANCESTORS[to] ?? '').includes(from);

const tip = fc.constantFrom('1', '2', '3', '4', '5');
const maybe = fc.option(tip);
const ref: fc.Arbitrary<HostedRef> = fc.record({ seen: maybe, there: maybe, here: maybe });
const mirrored = { same: 'same', apart: 'apart', here: 'there', there: 'here' } as const;

describe('which way a ref goes', () => {
  test('no side is ever moved but forward, or by a deletion that the other has not answered', () => {
    fc.assert(
      fc.property(ref, (one) => {
        const way = wayOf(one, leads);
        if (way !== 'here' && way !== 'there') return;
        const [from, to] = way === 'here' ? [one.here, one.there] : [one.there, one.here];
        if (from === null) expect(to).not.toBeNull();
        else if (to === null) expect(from).toBe(one.seen);
        else expect(leads(from, to)).toBe(true);
      }),
    );
  });

  test('what one side has set back is not brought forward again', () => {
    fc.assert(
      fc.property(ref, (one) => {
        const { seen, there, here } = one;
        const way = wayOf(one, leads);
        if (there !== null && here !== null && there === seen) expect(way).not.toBe('here');
        if (there !== null && here !== null && here === seen) expect(way).not.toBe('there');
      }),
    );
  });

  test('neither side is preferred', () => {
    fc.assert(
      fc.property(ref, ({ seen, there, here }) => {
        const other = wayOf({ seen, there: here, here: there }, leads);
        expect(wayOf({ seen, there, here }, leads)).toBe(mirrored[other]);
      }),
    );
  });

  test('once it has gone its way it stays, and what is the same is not touched', () => {
    fc.assert(
      fc.property(ref, (one) => {
        const way = wayOf(one, leads);
        if (way === 'apart') return;
        const both = way === 'here' ? one.there : one.here;
        expect(wayOf({ seen: both, there: both, here: both }, leads)).toBe('same');
        // Also where it could not be put down that both are the same.
        expect(wayOf({ seen: one.seen, there: both, here: both }, leads)).toBe('same');
      }),
    );
  });

  test.each([
    ['made here', null, null, '1', 'there'],
    ['made there', null, '1', null, 'here'],
    ['deleted here', '1', '1', null, 'there'],
    ['deleted there', '1', null, '1', 'here'],
    ['deleted here, moved there', '1', '2', null, 'here'],
    ['deleted there, moved here', '1', null, '2', 'there'],
    ['moved forward here', '1', '1', '2', 'there'],
    ['moved forward there', '1', '2', '1', 'here'],
    ['rewritten here', '2', '2', '4', 'apart'],
    ['set back here', '2', '2', '1', 'apart'],
    ['set back there', '2', '1', '2', 'apart'],
    ['moved on both sides', '1', '2', '4', 'apart'],
    ['moved on both, here further', '1', '2', '3', 'there'],
    ['never seen, here further', null, '1', '2', 'there'],
    ['never seen, nothing in common', null, '5', '2', 'apart'],
  ] as const)('%s', (_, seen, there, here, way) => {
    expect(wayOf({ seen, there, here }, leads)).toBe(way);
  });
});

test('a plan has each ref once', () => {
  const name = fc.constantFrom('refs/heads/a', 'refs/heads/b', 'refs/tags/c');
  const values = fc.array(fc.tuple(name, tip)).map((entries) => new Map(entries));
  fc.assert(
    fc.property(values, values, values, (seen, there, here) => {
      const plan = planHosted({ seen, there, here }, (_, from, to) => leads(from, to));
      const names = Object.values(plan).flatMap((refs) => [...refs.keys()]);
      expect(new Set(names)).toEqual(new Set([...seen.keys(), ...there.keys(), ...here.keys()]));
      expect(new Set(names).size).toBe(names.length);
    }),
  );
});
