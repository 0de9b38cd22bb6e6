import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mergeHeads } from '../../../src/merge/heads.ts';
import { type Files, type MergeStore, makeStore } from '../../helpers/merge-store.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

const sandbox = makeSandbox();
const stores = new Map<string, MergeStore>();
beforeAll(async () => {
  for (const format of ['sha1', 'sha256'] as const)
    stores.set(format, await makeStore(sandbox, format, format));
});
afterAll(() => sandbox.close());

const text = (...lines: string[]) => `${lines.join('\n')}\n`;
const letters = 'abcdefghijklmnop'.split('').map((letter) => `line ${letter}`);
const long = text(...letters);
const changed = (at: number, line: string) => text(...letters.with(at, line));
const other = text(...letters.map((line) => `another ${line}`));

/** What the base has, and each side; and what `keep-both` keeps under the old names, and beside them. */
interface Case {
  base: Files;
  one: Files;
  two: Files;
  /** Each name with all that is to be there; a name with `*` lies beside, as `<name>.conflict-<commit>`. */
  keeps: Files;
  /** What is there with the version of one, and of two. */
  ours: Files;
  theirs: Files;
}

const cases: Record<string, Case> = {
  'a line that both have changed': {
    base: { f: '1' },
    one: { f: '2' },
    two: { f: '3' },
    keeps: { f: '2', 'f*': '3' },
    ours: { f: '2' },
    theirs: { f: '3' },
  },
  'a file that one has changed, and the other deleted': {
    base: { f: '1' },
    one: { f: '2' },
    two: {},
    keeps: { f: '2' },
    ours: { f: '2' },
    theirs: {},
  },
  'a file that both have made': {
    base: {},
    one: { f: '1\n' },
    two: { f: '2\n' },
    keeps: { f: '1\n', 'f*': '2\n' },
    ours: { f: '1\n' },
    theirs: { f: '2\n' },
  },
  // The merge of what is in them, with conflict markers, was in both files.
  'a file that both have renamed, to different names, and changed': {
    base: { a: long },
    one: { b: changed(5, 'one') },
    two: { c: changed(5, 'two') },
    keeps: { b: changed(5, 'one'), c: changed(5, 'two') },
    ours: { b: changed(5, 'one') },
    theirs: { c: changed(5, 'two') },
  },
  // b held conflict markers.
  'a file that one has renamed to where the other made a new one': {
    base: { a: long },
    one: { b: changed(5, 'one') },
    two: { a: changed(5, 'two'), b: 'new\n' },
    keeps: { a: changed(5, 'two'), b: changed(5, 'one'), 'b*': 'new\n' },
    ours: { b: changed(5, 'one') },
    theirs: { a: changed(5, 'two'), b: 'new\n' },
  },
  'two files renamed to the same name': {
    base: { a: long, b: other },
    one: { c: long, b: other },
    two: { a: long, c: other },
    keeps: { c: long, 'c*': other },
    ours: { c: long },
    theirs: { c: other },
  },
  'a file renamed and changed, and deleted': {
    base: { a: long },
    one: { b: changed(5, 'one') },
    two: {},
    keeps: { b: changed(5, 'one') },
    ours: { b: changed(5, 'one') },
    theirs: {},
  },
  'a file renamed and changed, and changed under the old name': {
    base: { a: long },
    one: { b: changed(5, 'one') },
    two: { a: changed(5, 'two') },
    keeps: { b: changed(5, 'one'), 'b*': changed(5, 'two') },
    ours: { b: changed(5, 'one') },
    theirs: { b: changed(5, 'two') },
  },
  // It lay in a~<40 digits>, and ours had both.
  'a file, and a folder in its place': {
    base: { a: 'old\n' },
    one: { a: 'file\n' },
    two: { 'a/x': 'x\n' },
    keeps: { 'a*': 'file\n', 'a/x': 'x\n' },
    ours: { a: 'file\n' },
    theirs: { 'a/x': 'x\n' },
  },
  // The name that git makes is too long for any file system.
  'a file with the longest name, and a folder in its place': {
    base: {},
    one: { ['n'.repeat(255)]: 'file\n' },
    two: { [`${'n'.repeat(255)}/x`]: 'x\n' },
    keeps: { [`${'n'.repeat(237)}*`]: 'file\n', [`${'n'.repeat(255)}/x`]: 'x\n' },
    ours: { ['n'.repeat(255)]: 'file\n' },
    theirs: { [`${'n'.repeat(255)}/x`]: 'x\n' },
  },
  'two commits of a submodule': {
    base: { s: '#1' },
    one: { s: '#2' },
    two: { s: '#3' },
    keeps: { s: '#3' },
    ours: { s: '#2' },
    theirs: { s: '#3' },
  },
  'a submodule and a file': {
    base: {},
    one: { s: '#2' },
    two: { s: 'file\n' },
    keeps: { s: '#2', 's*': 'file\n' },
    ours: { s: '#2' },
    theirs: { s: 'file\n' },
  },
  'a submodule and a folder': {
    base: {},
    one: { s: '#2' },
    two: { 's/x': 'x\n' },
    keeps: { 's*': '#2', 's/x': 'x\n' },
    ours: { s: '#2' },
    theirs: { 's/x': 'x\n' },
  },
  // git moves both away.
  'a submodule and a symbolic link': {
    base: {},
    one: { s: '#2' },
    two: { s: '@there' },
    keeps: { s: '#2', 's*': '@there' },
    ours: { s: '#2' },
    theirs: { s: '@there' },
  },
  'a file that became a symbolic link': {
    base: { s: long },
    one: { s: changed(1, 'one') },
    two: { s: '@z' },
    keeps: { s: '@z', 's*': changed(1, 'one') },
    ours: { s: changed(1, 'one') },
    theirs: { s: '@z' },
  },
  'symbolic links': {
    base: { s: '@x' },
    one: { s: '@y' },
    two: { s: '@z' },
    keeps: { s: '@z', 's*': '@y' },
    ours: { s: '@y' },
    theirs: { s: '@z' },
  },
  'the same file, which is a program on one side': {
    base: {},
    one: { s: '1\n' },
    two: { s: '!1\n' },
    keeps: { s: '!1\n' },
    ours: { s: '1\n' },
    theirs: { s: '!1\n' },
  },
  // git 2.39 to 2.55 fail an assertion of their own.
  'a link renamed to where the other made a file, and a submodule in its place': {
    base: { s: '@there' },
    one: { t: '@there' },
    two: { s: '#2', t: 'file\n' },
    keeps: { s: '#2', t: 'file\n', 't*': '@there' },
    ours: { t: '@there' },
    theirs: { s: '#2', t: 'file\n' },
  },
  'binary files': {
    base: { 'p.png': 'a\0' },
    one: { 'p.png': 'b\0' },
    two: { 'p.png': 'c\0' },
    keeps: { 'p.png': 'c\0', 'p*.png': 'b\0' },
    ours: { 'p.png': 'b\0' },
    theirs: { 'p.png': 'c\0' },
  },
};

/** The same text lies under two names where the ids decide which of them: so that is left open. */
function asSet(files: Files): string[] {
  const plain = (path: string) => path.replace(/\.conflict-[0-9a-f]{8}/, '').replace('*', '');
  return Object.entries(files)
    .map(([path, content]) => `${plain(path)} ${content}`)
    .sort();
}

describe.each(['sha1', 'sha256'] as const)('in a repository with %s', (format) => {
  // Where ids are longer, those that take something away from git's index (git-update-index(1), --index-info) were refused.
  const some = Object.entries(cases).filter(
    ([, { two }]) => format === 'sha1' || !('s' in two || 'f' in two),
  );
  test.each(some)('%s', async (_, { base, one, two, keeps, ours, theirs }) => {
    const store = stores.get(format) as MergeStore;
    const rest = { rest: 'stays\n' };
    const root = store.commit({ ...base, ...rest });
    const a = store.commit({ ...one, ...rest }, [root], 1_700_000_001);
    const b = store.commit({ ...two, ...rest }, [root], 1_700_000_002);
    const merge = async (heads: string[], onConflict: Parameters<typeof mergeHeads>[1]['onConflict']) => {
      const merged = await mergeHeads(heads, { run: store.run, onConflict });
      if (merged.kind !== 'merged') throw new Error(merged.kind);
      return merged;
    };
    const kept = await merge([a, b], 'keep-both');
    expect(asSet(store.filesOf(kept.oid))).toEqual(asSet({ ...keeps, ...rest }));
    const names = Object.keys(store.filesOf(kept.oid));
    expect(names.filter((name) => name.includes('.conflict-')).sort()).toEqual(
      kept.kept.flatMap(({ aside }) => aside ?? []).sort(),
    );
    expect(names.filter((name) => name.includes('.conflict-'))).toHaveLength(
      Object.keys(keeps).filter((name) => name.includes('*')).length,
    );
    for (const part of names.flatMap((name) => name.split('/'))) expect(part.length).toBeLessThan(256);
    // Whose version is taken does not depend on which is named first.
    expect(store.filesOf((await merge([b, a], { prefer: a })).oid)).toEqual({ ...ours, ...rest });
    expect(store.filesOf((await merge([a, b], { prefer: b })).oid)).toEqual({ ...theirs, ...rest });
  });

  // git takes the new file as both have it, and leaves the change out, where the one who has changed the old file comes first.
  test.each([true, false])(
    'a file that one side has copied and changed, and the other renamed',
    async (isFirst) => {
      const store = stores.get(format) as MergeStore;
      const root = store.commit({ p: long });
      const moved = store.commit({ q: long }, [root]);
      const edits = Array.from({ length: 40 }, (_, at) =>
        store.commit({ p: changed(5, 'one'), q: long }, [root], 1_700_000_000 + at),
      );
      const edit = edits.find((oid) => oid < moved === isFirst) ?? '';
      const merged = await mergeHeads([edit, moved], { run: store.run, onConflict: 'keep-both' });
      if (merged.kind !== 'merged') throw new Error(merged.kind);
      expect(Object.values(store.filesOf(merged.oid))).toContain(changed(5, 'one'));
      const stopped = await mergeHeads([edit, moved], { run: store.run, onConflict: 'stop' });
      expect(stopped).toMatchObject(isFirst ? { kind: 'conflict', paths: ['p'] } : { kind: 'merged' });
    },
  );

  // Where both have made the same change, the renamed file has it.
  test('a file that both have changed alike, and one has copied, and the other renamed, is not brought back', async () => {
    const store = stores.get(format) as MergeStore;
    const root = store.commit({ p: long });
    const both = changed(5, 'both');
    const q = both.replace('line o', 'two');
    for (const date of [1_700_000_000, 1_700_000_001, 1_700_000_002, 1_700_000_003]) {
      const edit = store.commit({ p: both, q }, [root], date);
      const moved = store.commit({ q }, [root]);
      const merged = await mergeHeads([edit, moved], { run: store.run, onConflict: 'stop' });
      if (merged.kind !== 'merged') throw new Error(merged.kind);
      expect(store.filesOf(merged.oid)).toEqual({ q });
    }
  });

  test('and git has nothing against any of them', async () => {
    expect(await (stores.get(format) as MergeStore).complaints()).toBe('');
  });
});
