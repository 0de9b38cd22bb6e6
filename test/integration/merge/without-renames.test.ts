import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aloneWithObjects } from '../../../src/git/merge-tree.ts';
import { mergeWithoutRenames } from '../../../src/git/merge-without-renames.ts';
import { findConflicts } from '../../../src/merge/conflicts.ts';
import { byId } from '../../../src/merge/rule.ts';
import { settle } from '../../../src/merge/settle.ts';
import { edited, firstFiles } from '../../helpers/merge-edits.ts';
import { type Files, type MergeStore, makeStore } from '../../helpers/merge-store.ts';
import { seededRandom } from '../../helpers/random.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

const sandbox = makeSandbox();
let store: MergeStore;
beforeAll(async () => {
  store = await makeStore(sandbox, 'store');
});
afterAll(() => sandbox.close());

/** The files of a merge that keeps both versions. */
async function merged(heads: readonly [string, string]): Promise<Record<string, string>> {
  const commits = heads.toSorted(byId) as [string, string];
  return aloneWithObjects(store.run, async (alone) => {
    const { tree, conflicts } = await mergeWithoutRenames(commits, alone);
    const settled = await settle(
      tree,
      findConflicts(conflicts, commits),
      commits,
      { kind: 'keep-both' },
      alone,
    );
    return store.filesOf(
      store.objects.writeCommit({ tree: settled.tree, parents: [], date: 1_700_000_000, message: 'm' }),
    );
  });
}

/** What is in files, whatever they are called. */
const contents = (files: Files) => Object.values(files).sort();

describe('a merge without renames', () => {
  test('takes what one side has changed, and what only one of them has', async () => {
    const root = store.commit({ a: '1', b: '1', c: '1', 'd/e': '1' });
    const one = store.commit({ a: '2', b: '1', 'd/e': '1', new: '1' }, [root]);
    const two = store.commit({ a: '1', b: '!1', c: '1', 'd/f': '1', 'd/e': '1' }, [root]);
    expect(await merged([one, two])).toEqual({ a: '2', b: '!1', 'd/e': '1', 'd/f': '1', new: '1' });
  });

  test('keeps a folder, and a file that was to come in its place, or was there before', async () => {
    const root = store.commit({ rest: '1' });
    const file = store.commit({ rest: '1', d: 'file' }, [root]);
    const folder = store.commit({ rest: '1', 'd/e/f': 'inner' }, [root]);
    expect(await merged([file, folder])).toEqual({
      rest: '1',
      'd/e/f': 'inner',
      [`d.conflict-${file.slice(0, 8)}`]: 'file',
    });
    const changed = store.commit({ rest: '1', d: 'changed' }, [file]);
    const replaced = store.commit({ rest: '1', 'd/x': 'inner' }, [file]);
    expect(contents(await merged([changed, replaced]))).toEqual(['1', 'changed', 'inner']);
    const deeper = store.commit({ rest: '1', 'd/e/f': 'deeper' }, [folder]);
    const instead = store.commit({ rest: '1', d: 'instead' }, [folder]);
    expect(contents(await merged([deeper, instead]))).toEqual(['1', 'deeper', 'instead']);
  });

  test('merges histories with several common ancestors, and with none', async () => {
    const root = store.commit({ a: '1', b: '1' });
    const left = store.commit({ a: '2', b: '1' }, [root]);
    const right = store.commit({ a: '1', b: '2' }, [root]);
    const one = store.commit({ a: '2', b: '2', c: '1' }, [left, right]);
    const two = store.commit({ a: '2', b: '2', d: '1' }, [right, left], 1_700_000_009);
    expect(await merged([one, two])).toEqual({ a: '2', b: '2', c: '1', d: '1' });
    const strange = store.commit({ z: '1' });
    expect(await merged([one, strange])).toEqual({ a: '2', b: '2', c: '1', z: '1' });
  });

  test('loses no word of either side', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(), async (before, here, there) => {
        let words = 0;
        const edit = (files: Files, seed: number) =>
          edited(files, () => `word${(words += 1)};`, seededRandom(seed));
        const wordsOf = (files: Files): string[] => JSON.stringify(contents(files)).match(/word\d+;/g) ?? [];
        const base = edit(firstFiles(), before);
        const root = store.commit(base);
        const sides = [edit(edit(base, here), here + 1), edit(edit(base, there), there + 1)];
        const [one = '', two = ''] = sides.map((files) => store.commit(files, [root]));
        if (one === two) return;
        const found = new Set(wordsOf(await merged([one, two])));
        const old = new Set(wordsOf(base));
        const lost = sides.flatMap(wordsOf).filter((word) => !old.has(word) && !found.has(word));
        expect(lost).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});
