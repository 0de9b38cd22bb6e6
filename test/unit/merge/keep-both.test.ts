import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IndexEntry } from '../../../src/git/index-entry.ts';
import { findConflicts, withOwnVersions } from '../../../src/merge/conflicts.ts';
import { asideName, keepBoth, preferOne } from '../../../src/merge/keep-both.ts';

const [A, B] = ['a1'.repeat(20), 'b2'.repeat(20)] as const;
const COMMITS = [A, B] as const;
const id = (digit: string) => digit.repeat(40);
const free = () => false;

const file = (path: string, stage: 1 | 2 | 3, digit: string, mode = '100644'): IndexEntry => ({
  path,
  stage,
  mode,
  oid: id(digit),
});

describe('asideName', () => {
  test('puts the commit before the ending', () => {
    expect(asideName('notes.txt', A, free)).toBe('notes.conflict-a1a1a1a1.txt');
    expect(asideName('a.b/list.tar.gz', A, free)).toBe('a.b/list.tar.conflict-a1a1a1a1.gz');
    expect(asideName('.profile', A, free)).toBe('.profile.conflict-a1a1a1a1');
    expect(asideName('d/Makefile', A, free)).toBe('d/Makefile.conflict-a1a1a1a1');
    expect(asideName('v1.this is a whole sentence', A, free)).toBe(
      'v1.this is a whole sentence.conflict-a1a1a1a1',
    );
  });

  test('takes no name that there is', () => {
    const taken = new Set(['f.conflict-a1a1a1a1.txt', 'f.conflict-a1a1a1a1-2.txt']);
    expect(asideName('f.txt', A, (name) => taken.has(name))).toBe('f.conflict-a1a1a1a1-3.txt');
  });

  test('is a name that file systems take, of whole characters, with the ending that it had', () => {
    const name = fc
      .string({ unit: fc.constantFrom('a', '.', 'ä', '€', '😀', '\n'), minLength: 1, maxLength: 300 })
      .map((text) => Buffer.from(text).toString('latin1').slice(0, 255))
      .map((text) =>
        Buffer.from(
          Buffer.from(text, 'latin1')
            .toString()
            .replace(/\ufffd+$/, ''),
        ).toString('latin1'),
      )
      .filter((text) => text !== '' && text !== '.' && text !== '..');
    fc.assert(
      fc.property(name, fc.nat(12), (made, tries) => {
        let left = tries;
        const aside = asideName(`d/${made}`, A, () => left-- > 0);
        expect(aside.length).toBeLessThanOrEqual('d/'.length + 255);
        expect(aside.startsWith('d/')).toBe(true);
        const bytes = Buffer.from(aside, 'latin1');
        expect(Buffer.from(bytes.toString())).toEqual(bytes);
        const ending = /[^]\.([^.]{0,15})$/.exec(made);
        if (ending !== null) expect(aside.endsWith(`.${ending[1]}`)).toBe(true);
      }),
    );
  });
});

describe('findConflicts', () => {
  test("gives back the name where git has moved a file, and leaves alone what is anybody's", () => {
    const found = findConflicts(
      [file('s', 3, '3', '120000'), file(`s~${A}`, 2, '2'), file(`t~${A}_0`, 1, '1'), file(`u~${A}`, 3, '3')],
      COMMITS,
    );
    expect(found.map(({ path, left }) => [path, left])).toEqual([
      ['s', ['s', `s~${A}`]],
      ['t', [`t~${A}_0`]],
      [`u~${A}`, [`u~${A}`]],
    ]);
    expect(found[0]?.versions.map(({ side }) => side)).toEqual([1, 0]);
  });
});

describe('withOwnVersions', () => {
  test('gives each side back what it had', () => {
    const entry = (digit: string) => ({ mode: '100644', oid: id(digit) });
    const conflicts = findConflicts([file('b', 2, '9'), file('b', 3, '3')], COMMITS);
    const trees = [new Map([['b', entry('2')]]), new Map([['b', entry('3')]])] as const;
    const versions = [
      { ...entry('2'), side: 0 },
      { ...entry('3'), side: 1 },
    ];
    expect(withOwnVersions(conflicts, trees)).toEqual([{ path: 'b', left: ['b'], versions }]);
  });
});

describe('keepBoth', () => {
  const kept = (entries: IndexEntry[], paths: string[]) =>
    keepBoth(findConflicts(entries, COMMITS), COMMITS, paths);

  test('leaves the greater where it was, whichever side it is of', () => {
    for (const [two, three, aside] of [
      ['2', '3', 'f.conflict-a1a1a1a1'],
      ['3', '2', 'f.conflict-b2b2b2b2'],
    ] as const) {
      const { placed } = kept([file('f', 2, two), file('f', 3, three)], ['f']);
      expect(placed.filter(({ entry }) => entry !== null)).toEqual([
        { path: 'f', entry: { mode: '100644', oid: id('3') } },
        { path: aside, entry: { mode: '100644', oid: id('2') } },
      ]);
    }
  });

  test('lays nothing on a name that differs in case only, or on a folder', () => {
    const entries = [file('f', 2, '3'), file('f', 3, '2')];
    expect(kept(entries, ['f', 'F.CONFLICT-B2B2B2B2']).kept[0]?.aside).toBe('f.conflict-b2b2b2b2-2');
    expect(kept(entries, ['f', 'f.conflict-b2b2b2b2/x']).kept[0]?.aside).toBe('f.conflict-b2b2b2b2-2');
  });

  test('brings nothing back to where a file has come in the place of its folder', () => {
    const back = [
      { path: 'd/f.txt', left: [], versions: [{ mode: '100644', oid: id('2'), side: 0 as const }] },
    ];
    expect(keepBoth(back, COMMITS, ['d']).kept).toEqual([
      { path: 'd/f.txt', aside: 'd.conflict-a1a1a1a1/f.txt' },
    ]);
  });

  test('loses no version, gives no name twice, and puts no file where a folder is', () => {
    const name = fc.constantFrom('f', 'F', 'g.txt', 'd/f', 'd/f/x', 'e/d/f', 'f.conflict-a1a1a1a1');
    const version = fc.record({
      oid: fc.constantFrom(...'123456'.split('')).map(id),
      mode: fc.constantFrom('100644', '100755', '120000'),
    });
    const conflict = fc.record({
      path: name,
      one: fc.option(version),
      two: fc.option(version),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(conflict, { selector: ({ path }) => path }),
        fc.array(name),
        (made, more) => {
          const entries = made.flatMap(({ path, one, two }): IndexEntry[] => [
            ...(one === null ? [] : [{ path, stage: 2 as const, ...one }]),
            ...(two === null ? [] : [{ path, stage: 3 as const, ...two }]),
          ]);
          const names = [...new Set([...more, ...entries.map(({ path }) => path)])];
          // As in a tree: a file is no folder.
          fc.pre(!names.some((path) => names.some((one) => one.startsWith(`${path}/`))));
          const { placed } = kept(entries, names);
          const there = placed.flatMap(({ path, entry }) => (entry === null ? [] : [{ path, ...entry }]));
          const all = [...new Set([...names, ...there.map(({ path }) => path)])];
          expect(new Set(there.map(({ path }) => path)).size).toBe(there.length);
          expect(all.some((path) => all.some((one) => one.startsWith(`${path}/`)))).toBe(false);
          for (const { path, oid, mode } of entries) {
            const stem = path.replace(/\.txt$/, '');
            const isKept = there.some(
              (one) =>
                one.oid === oid && one.mode.slice(0, 3) === mode.slice(0, 3) && one.path.startsWith(stem),
            );
            expect(isKept).toBe(true);
          }
        },
      ),
    );
  });
});

describe('preferOne', () => {
  test('takes the version of one side, or its deletion, and gives it its name back', () => {
    const conflicts = findConflicts(
      [file('f', 2, '2'), file('f', 3, '3'), file('gone', 2, '4'), file(`s~${A}`, 2, '5'), file('s', 3, '6')],
      COMMITS,
    );
    const left = (side: 0 | 1) => {
      const { placed, kept } = preferOne(conflicts, side);
      expect(kept).toEqual([]);
      return placed.flatMap(({ path, entry }) => (entry === null ? [] : `${path} ${entry.oid.slice(0, 1)}`));
    };
    expect(left(0)).toEqual(['f 2', 'gone 4', 's 5']);
    expect(left(1)).toEqual(['f 3', 's 6']);
  });
});
