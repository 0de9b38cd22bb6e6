import { appendFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Merged, mergeHeads } from '../../../src/merge/heads.ts';
import { mergeCommit } from '../../../src/merge/rule.ts';
import { type MergeStore, makeStore } from '../../helpers/merge-store.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

const sandbox = makeSandbox();
let store: MergeStore;
beforeAll(async () => {
  store = await makeStore(sandbox, 'store');
});
afterAll(() => sandbox.close());

const merge = (heads: readonly string[], run = store.run): Promise<Merged> =>
  mergeHeads(heads, { run, onConflict: 'keep-both' });

async function idOf(heads: readonly string[], run = store.run): Promise<string> {
  const merged = await merge(heads, run);
  if (merged.kind === 'conflict') throw new Error('not settled');
  return merged.oid;
}

/** A base, and two that have gone apart from it. */
function fork(name: string): { base: string; one: string; two: string } {
  const base = store.commit({ [name]: '0' });
  const one = store.commit({ [name]: '1' }, [base], 1_700_000_010);
  const two = store.commit({ [name]: '2' }, [base], 1_700_000_020);
  return { base, one, two };
}

describe('heads', () => {
  test('that lead to each other come to the last one, and nothing is made', async () => {
    const { base, one } = fork('forward');
    expect(await merge([base, one])).toEqual({ kind: 'forward', oid: one });
    expect(await merge([one, base, one])).toEqual({ kind: 'forward', oid: one });
  });

  test('more than two are merged in whatever order they are named, without those that others have', async () => {
    const { base, one, two } = fork('many');
    const three = store.commit({ many: '0', more: '3' }, [base], 1_700_000_030);
    const id = await idOf([one, two, three]);
    expect(await idOf([three, base, two, one, two])).toBe(id);
    const [first = '', second = '', last = ''] = [one, two, three].sort();
    const inner = store.objects.parentsOf(id).find((oid) => oid !== last) ?? '';
    expect(store.objects.parentsOf(id).sort()).toEqual([inner, last].sort());
    expect(store.objects.parentsOf(inner)).toEqual([first, second]);
    expect(store.objects.read(id).toString()).toContain(' 1700000030 +0000\n');
  });

  test('without anything in common are refused, unless that is wanted', async () => {
    const [one, two] = [store.commit({ a: '1' }), store.commit({ b: '2' })];
    await expect(merge([one, two])).rejects.toMatchObject({ code: 'histories-unrelated' });
    const merged = await mergeHeads([one, two], { run: store.run, onConflict: 'stop', allowUnrelated: true });
    expect(store.filesOf('oid' in merged ? merged.oid : '')).toEqual({ a: '1', b: '2' });
  });

  test('of a criss-cross come to the same with a commit-graph and without', async () => {
    const { one, two } = fork('cross');
    // Merges that people have made, each its own, of the same second: which of them is the base first is up to git.
    const left = store.commit({ cross: 'left' }, [one, two], 1_700_000_030);
    const right = store.commit({ cross: 'right' }, [two, one], 1_700_000_030);
    const [up, down] = [
      store.commit({ cross: 'up' }, [left, right], 1_700_000_040),
      store.commit({ cross: 'down' }, [right, left], 1_700_000_040),
    ];
    const id = await idOf([up, down]);
    await sandbox.git(['commit-graph', 'write', '--stdin-commits'], {
      cwd: store.folder,
      input: `${up}\n${down}\n`,
    });
    expect(await idOf([down, up])).toBe(id);
    expect(Object.values(store.filesOf(id)).sort()).toEqual(['down', 'up']);
  });

  test('a clock of the far future enters into the merge as git can read it', async () => {
    const { one, two } = fork('future');
    const late = store.objects.writeCommit({
      tree: store.objects.treeOf(two),
      parents: [two],
      date: 2 ** 53 - 1,
      message: 'late',
    });
    const later = store.objects.write(
      'commit',
      store.objects
        .read(late)
        .toString()
        .replaceAll(String(2 ** 53 - 1), '9'.repeat(25)),
    );
    expect(store.objects.read(await idOf([one, later])).toString()).toContain(` ${2 ** 53 - 1} +0000\n`);
  });
});

describe('merges of the same heads that differ', () => {
  // As another version of git may make them.
  function twins(name: string): [string, string] {
    const { one, two } = fork(name);
    const parents = [one, two].sort();
    return ['left', 'right'].map((text) => {
      const tree = store.objects.treeOf(store.commit({ [name]: text }));
      const settling = { kind: 'keep-both' } as const;
      return store.objects.write('commit', mergeCommit({ tree, parents, date: 1_700_000_020, settling }));
    }) as [string, string];
  }

  test('come to the smaller id, and to no further merge', async () => {
    const pair = twins('twins');
    const smaller = pair.toSorted()[0];
    expect(await merge(pair)).toEqual({ kind: 'forward', oid: smaller });
    expect(await merge(pair.toReversed())).toEqual({ kind: 'forward', oid: smaller });
  });

  test('are merged where they have been built upon, to the same on both sides', async () => {
    const [left, right] = twins('grown');
    const grown = store.commit({ grown: 'left', more: '1' }, [left], 1_700_000_050);
    expect(await idOf([grown, right])).toBe(await idOf([right, grown]));
  });

  test("of people's own are merged like any other", async () => {
    const { one, two } = fork('people');
    const [left, right] = ['a', 'b'].map((text) => store.commit({ people: text }, [one, two]));
    expect((await merge([left ?? '', right ?? ''])).kind).toBe('merged');
  });
});

test('a merge by another rule is left alone', async () => {
  const { one, two } = fork('rule');
  const tree = store.objects.treeOf(one);
  const text = mergeCommit({ tree, parents: [one, two].sort(), date: 1, settling: { kind: 'clean' } });
  const other = store.objects.write('commit', text.replace('Gam-Merge: 1', 'Gam-Merge: 2'));
  const three = store.commit({ rule: '3' }, [one]);
  await expect(merge([other, three])).rejects.toMatchObject({
    code: 'merge-rule',
    message: expect.stringContaining('(2)'),
  });
  // What somebody else's commits say in their messages is nothing to us.
  const named = store.objects.writeCommit({
    tree,
    parents: [one, two],
    date: 2,
    email: 'merge@gam.invalid x',
    message: 'm\n\nGam-Merge: 2',
  });
  const neighbour = store.objects.write(
    'commit',
    store.objects.read(named).toString().replaceAll('merge@gam.invalid x', 'merge@gam.invalid.example'),
  );
  expect((await merge([neighbour, three])).kind).toBe('merged');
});

describe('what is in the repository beside the commits', () => {
  test('replacements, grafts and attributes change nothing', async () => {
    const { base, one, two } = fork('beside.txt');
    const id = await idOf([one, two]);
    const folder = sandbox.path('beside');
    await sandbox.git(['clone', '--quiet', '--bare', store.folder, folder]);
    mkdirSync(join(folder, 'info'), { recursive: true });
    appendFileSync(join(folder, 'objects/info/alternates'), `${join(store.folder, 'objects')}\n`);
    writeFileSync(join(folder, 'info/attributes'), '* merge=union\n');
    // By the graft, one has two already.
    writeFileSync(join(folder, 'info/grafts'), `${one} ${base} ${two}\n`);
    await sandbox.git(['replace', '--force', base, store.commit({}, [], 5)], { cwd: folder });
    const run = { cwd: folder, env: { ...sandbox.env } };
    expect(await idOf([one, two], run)).toBe(id);
  });

  test('only a part of the history is refused', async () => {
    const { one, two } = fork('shallow');
    for (const [name, oid] of Object.entries({ one, two }))
      await sandbox.git(['update-ref', `refs/heads/${name}`, oid], { cwd: store.folder });
    const folder = sandbox.path('shallow');
    const url = `file://${store.folder}`;
    await sandbox.git(['clone', '--quiet', '--bare', '--depth=1', '--no-single-branch', url, folder]);
    const run = { cwd: folder, env: { ...sandbox.env } };
    await expect(merge([one, two], run)).rejects.toMatchObject({ code: 'history-cut' });
  });

  test('what a partial clone lacks is fetched', async () => {
    const { one, two } = fork('partial');
    for (const [name, oid] of Object.entries({ one, two }))
      await sandbox.git(['update-ref', `refs/heads/${name}`, oid], { cwd: store.folder });
    await sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: store.folder });
    const folder = sandbox.path('partial');
    const url = `file://${store.folder}`;
    await sandbox.git(['clone', '--quiet', '--bare', '--filter=blob:none', url, folder]);
    const missing = ['rev-list', '--objects', '--missing=print', one];
    expect((await sandbox.git(missing, { cwd: folder })).stdout).toMatch(/^\?/m);
    const run = { cwd: folder, env: { ...sandbox.env } };
    expect(await idOf([one, two], run)).toBe(await idOf([one, two]));
  });

  test('what a push has brought is seen while it is in quarantine', async () => {
    const target = await makeStore(sandbox, 'target');
    const { base, one, two } = fork('quarantine');
    await sandbox.git(['fetch', '--quiet', store.folder, base], { cwd: target.folder });
    const env = {
      ...sandbox.env,
      GIT_OBJECT_DIRECTORY: join(target.folder, 'objects'),
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(store.folder, 'objects'),
    };
    expect(await idOf([one, two], { cwd: target.folder, env })).toBe(await idOf([one, two]));
  });

  test('objects of a repository that a group shares can be written by the group', async () => {
    const shared = await makeStore(sandbox, 'shared');
    await sandbox.git(['config', 'core.sharedRepository', 'group'], { cwd: shared.folder });
    const base = shared.commit({ f: '0' });
    const [one, two] = [shared.commit({ f: '1' }, [base]), shared.commit({ f: '2' }, [base])];
    const id = await idOf([one, two], shared.run);
    const { mode } = statSync(join(shared.folder, 'objects', id.slice(0, 2)));
    expect(mode & 0o020).toBe(0o020);
  });
});

test('a git that cannot merge without a work tree is named, with what is needed', async () => {
  const { one, two } = fork('old');
  const bin = sandbox.path('old-git');
  mkdirSync(bin);
  const real = (await sandbox.run('sh', ['-c', 'command -v git'])).stdout.trim();
  const lines = [
    '#!/bin/sh',
    'for word; do',
    '  case "$word" in',
    '    merge-tree) echo "usage: git merge-tree <base-tree> <branch1> <branch2>" >&2; exit 129 ;;',
    '    version) echo "git version 2.37.1"; exit 0 ;;',
    '  esac',
    'done',
    `exec ${real} "$@"`,
  ];
  writeFileSync(join(bin, 'git'), `${lines.join('\n')}\n`, { mode: 0o755 });
  const env = { ...sandbox.env, PATH: `${bin}:${sandbox.env['PATH']}` };
  await expect(merge([one, two], { cwd: store.folder, env })).rejects.toMatchObject({
    code: 'git-missing',
    message: expect.stringMatching(/2\.38.*2\.37\.1/),
  });
});

test('nothing is left in the folder for temporary files', () => {
  expect(readdirSync(sandbox.env['TMPDIR'] ?? '')).toEqual([]);
});
