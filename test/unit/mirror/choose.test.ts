import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseRefs, isWithinWanted, stagedName } from '../../../src/mirror/choose.ts';

const name = fc.constantFrom(
  'HEAD',
  'refs/heads/main',
  'refs/heads/a',
  'refs/heads/a/b',
  'refs/tags/v1',
  'refs/tags/v2',
  'refs/pull/1/head',
  'refs/mirror/x/heads/main',
);
const oid = fc.constantFrom('1', '2', '3').map((digit) => digit.repeat(40));
const wanted = fc.uniqueArray(fc.record({ name, oid }), { selector: (ref) => ref.name });
const offered = fc.array(fc.tuple(fc.oneof(name, fc.string()), oid)).map((list) => new Map(list));

test('what is chosen is wanted by name and told by the mirror; exact means canonical’s own object', () => {
  fc.assert(
    fc.property(wanted, offered, (want, offer) => {
      const { exact, differing } = chooseRefs(want, offer);
      const names = want.map((ref) => ref.name);
      for (const ref of exact) expect(want).toContainEqual(ref);
      for (const ref of differing) {
        expect(names).toContain(ref.name);
        expect(offer.get(ref.name)).toBe(ref.oid);
        expect(want).not.toContainEqual(ref);
      }
      expect(new Set([...exact, ...differing].map((ref) => ref.name)).size).toBe(
        exact.length + differing.length,
      );
    }),
  );
});

test('a tag at another object is never chosen, and tells a foreign mirror when no tag agrees', () => {
  fc.assert(
    fc.property(wanted, offered, (want, offer) => {
      const { exact, differing, foreign } = chooseRefs(want, offer);
      expect(differing.filter((ref) => ref.name.startsWith('refs/tags/'))).toEqual([]);
      const tags = want.filter((ref) => ref.name.startsWith('refs/tags/') && offer.has(ref.name));
      const agreed = exact.some((ref) => ref.name.startsWith('refs/tags/'));
      expect(foreign).toBe(tags.length > 0 && !agreed);
    }),
  );
});

test('what a mirror offers is within what is wanted when choosing from it leaves nothing out', () => {
  const clone = fc.constantFrom('HEAD', 'refs/heads/main', 'refs/heads/a', 'refs/tags/v1', 'refs/tags/v2');
  const refs = fc.uniqueArray(fc.record({ name: fc.oneof(clone, name), oid }), {
    selector: (ref) => ref.name,
  });
  fc.assert(
    fc.property(refs, refs, (want, offer) => {
      const named = offer.filter((ref) => ref.name !== 'HEAD');
      const { exact, differing } = chooseRefs(want, new Map(named.map((ref) => [ref.name, ref.oid])));
      const all = exact.length + differing.length === named.length;
      const others = want.some((ref) => /^refs\/(?!heads\/|tags\/)/.test(ref.name));
      expect(isWithinWanted(offer, want)).toBe(all && !others);
    }),
  );
});

test('staged names lie under the site, and nothing of gam’s own is staged again', () => {
  expect(stagedName('refs/heads/main', 'host')).toBe('refs/mirror/host/heads/main');
  expect(stagedName('HEAD', 'host')).toBeNull();
  expect(stagedName('refs/mirror/x/heads/main', 'host')).toBeNull();
  fc.assert(
    fc.property(fc.oneof(name, fc.string()), (any) => {
      const staged = stagedName(any, 'host');
      if (staged !== null) expect(staged.startsWith('refs/mirror/host/')).toBe(true);
    }),
  );
});
