import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commit, type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

let desk: Desk;
let repo: string;
let base: string;
let one: string;
let two: string;
/** Goes with either, without a conflict. */
let side: string;
/** What comes of one and side. */
let both: string;

beforeAll(async () => {
  desk = makeDesk();
  repo = await makeRepository(desk, 'r');
  const committed = async (files: Record<string, string>, parent?: string) => {
    await desk.git(['read-tree', '--empty'], repo);
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(repo, 'text'), text);
      const oid = await desk.git(['hash-object', '-w', 'text'], repo);
      await desk.git(['update-index', '--add', '--cacheinfo', `100644,${oid},${name}`], repo);
    }
    return commit(desk, repo, 'change', parent);
  };
  base = await committed({ f: '0', '\u001b[31mred\n': '0' });
  one = await committed({ f: '1', '\u001b[31mred\n': '1' }, base);
  two = await committed({ f: '2', '\u001b[31mred\n': '2' }, base);
  side = await committed({ f: '0', '\u001b[31mred\n': '0', g: 'g' }, base);
  await desk.git(['update-ref', 'refs/heads/one', one], repo);
  await desk.git(['update-ref', 'refs/heads/two', two], repo);
  both = (await desk.gam(['merge', one, side], repo)).stdout.trim();
});
afterAll(() => desk.remove());

const gam = (...args: string[]) => desk.gam(['merge', ...args], repo);
const refs = () => desk.git(['for-each-ref', '--format=%(refname) %(objectname)'], repo);
const show = (name: string) => desk.git(['show', name], repo);

describe('gam merge', () => {
  test('prints the id and nothing else, the same from both sides, and moves no ref', async () => {
    const before = await refs();
    expect(await gam(side, 'one')).toEqual({ status: 0, stdout: `${both}\n`, stderr: '' });
    expect(await desk.git(['rev-parse', `${both}^1`, `${both}^2`], repo)).toBe([one, side].sort().join('\n'));
    expect(await refs()).toBe(before);
  });

  test('prints the one that has the other, and says that nothing was made', async () => {
    expect((await gam(base, 'two')).stdout).toBe(`${two}\n`);
    expect(JSON.parse((await gam('two', base, '--json')).stdout)).toEqual({
      oid: two,
      merged: false,
      kept: [],
      conflicts: [],
    });
  });

  test('stops at a conflict, names the files, and writes no ref', async () => {
    const before = await refs();
    const said = await gam('one', 'two', '--write-ref', 'refs/heads/stopped');
    expect(said).toMatchObject({ status: 1, stdout: '' });
    expect(said.stderr).toBe(
      'gam: cannot be merged: ?[31mred?, f; nothing was changed\n' +
        'gam: --on-conflict keep-both keeps both versions of each\n',
    );
    const asked = await gam('two', 'one', '--json', '-q');
    expect(asked.status).toBe(1);
    expect(JSON.parse(asked.stdout)).toEqual({
      oid: null,
      merged: false,
      kept: [],
      conflicts: ['?[31mred?', 'f'],
    });
    expect(await refs()).toBe(before);
  });

  test('keep-both keeps both, says where, and says nothing with -q', async () => {
    const said = await gam('one', 'two', '--on-conflict', 'keep-both');
    const id = said.stdout.trim();
    const [lesser, greater] = (await desk.git(['rev-parse', 'one:f', 'two:f'], repo)).split('\n');
    const isOneGreater = (lesser ?? '') > (greater ?? '');
    const aside = `f.conflict-${(isOneGreater ? two : one).slice(0, 8)}`;
    expect(await show(`${id}:f`)).toBe(isOneGreater ? '1' : '2');
    expect(await show(`${id}:${aside}`)).toBe(isOneGreater ? '2' : '1');
    expect(said.stderr).toContain(`gam: f was changed on both sides: the other version is ${aside}\n`);
    expect(said.stderr).not.toContain('\u001b');
    const quiet = await gam('two', 'one', '--on-conflict=keep-both', '-q');
    expect(quiet).toEqual({ status: 0, stdout: `${id}\n`, stderr: '' });
    const { kept } = JSON.parse((await gam('two', 'one', '--on-conflict=keep-both', '--json')).stdout);
    expect(kept).toContainEqual({ path: 'f', aside });
  });

  test('ours is the first that is named, theirs the second, and the same wish makes the same merge', async () => {
    const ours = (await gam('one', 'two', '--on-conflict', 'ours')).stdout.trim();
    const theirs = (await gam('one', 'two', '--on-conflict', 'theirs')).stdout.trim();
    expect([await show(`${ours}:f`), await show(`${theirs}:f`)]).toEqual(['1', '2']);
    expect((await gam('two', 'one', '--on-conflict', 'theirs')).stdout.trim()).toBe(ours);
    expect((await gam('two', 'one', '--on-conflict', 'ours')).stdout.trim()).toBe(theirs);
  });
});

describe('gam merge --write-ref', () => {
  const write = (ref: string, ...heads: string[]) => gam(...heads, '--write-ref', ref);

  test('makes a ref, and moves it forward only', async () => {
    expect((await write('refs/heads/made', base, 'one')).status).toBe(0);
    expect((await write('refs/heads/made', 'one', side)).stdout).toBe(`${both}\n`);
    expect(await desk.git(['rev-parse', 'refs/heads/made'], repo)).toBe(both);
    const before = await refs();
    const back = await write('refs/heads/made', base, 'one');
    expect(back).toMatchObject({ status: 1, stdout: '' });
    expect(back.stderr).toContain('has what');
    expect(await refs()).toBe(before);
  });

  test('leaves alone what is checked out, also without a commit yet, and a ref that stands for another one', async () => {
    const folder = await makeRepository(desk, 'checked');
    mkdirSync(join(folder, '.git/objects/info'), { recursive: true });
    writeFileSync(join(folder, '.git/objects/info/alternates'), `${join(repo, '.git/objects')}\n`);
    await desk.git(['symbolic-ref', 'HEAD', 'refs/heads/here'], folder);
    await desk.git(['symbolic-ref', 'refs/heads/alias', 'refs/heads/here'], folder);
    const tried = async (ref: string) => desk.gam(['merge', one, side, '--write-ref', ref], folder);
    const unborn = await tried('refs/heads/here');
    expect(unborn).toMatchObject({ status: 1, stdout: '' });
    expect(unborn.stderr).toContain(`checked out in ${folder}`);
    expect((await tried('refs/heads/alias')).stderr).toContain('stands for refs/heads/here');
    expect(await desk.git(['for-each-ref'], folder)).toBe('');
    await desk.git(['update-ref', 'refs/heads/here', base], folder);
    expect((await tried('refs/heads/here')).stderr).toContain(`checked out in ${folder}`);
    expect(await desk.git(['rev-parse', 'here', 'alias'], folder)).toBe(`${base}\n${base}`);
  });

  test('moves the branch of HEAD in a bare repository, which has it checked out nowhere', async () => {
    const folder = join(desk.top, 'bare');
    await desk.git(['clone', '-q', '--bare', repo, folder]);
    await desk.git(['fetch', '-q', repo, `${both}:refs/heads/both`], folder);
    await desk.git(['symbolic-ref', 'HEAD', 'refs/heads/one'], folder);
    const said = await desk.gam(['merge', 'one', 'both', '--write-ref', 'refs/heads/one'], folder);
    expect(said).toMatchObject({ status: 0, stdout: `${both}\n` });
    expect(await desk.git(['rev-parse', 'one'], folder)).toBe(both);
  });

  test('takes a full name of a ref only', async () => {
    for (const ref of ['merged', 'refs/heads/a..b', 'HEAD', '--all', 'refs/heads/']) {
      const before = await refs();
      const said = await gam('one', side, `--write-ref=${ref}`);
      expect(said).toMatchObject({ status: 1, stdout: '' });
      expect(said.stderr).toContain('is no name of a ref');
      expect(await refs()).toBe(before);
    }
  });
});

describe('gam merge refuses', () => {
  test('a name that is no commit, whatever it looks like', async () => {
    for (const name of ['nothing', 'one:f', '0'.repeat(40), 'one..two', '\u001b[31m']) {
      const said = await gam(name, 'two');
      expect(said).toMatchObject({ status: 1, stdout: '' });
      expect(said.stderr).toContain('is no commit here');
      expect(said.stderr).not.toContain('\u001b');
    }
    expect((await gam('--', '--all', 'two')).stderr).toContain('--all is no commit here');
  });

  test('a wrong command line, with status 2', async () => {
    for (const args of [['one'], ['one', 'two', side], ['one', 'two', '--on-conflict', 'guess'], ['--what']])
      expect((await gam(...args)).status).toBe(2);
  });

  test('to work outside of a repository', async () => {
    const said = await desk.gam(['merge', one, two], desk.home);
    expect(said).toMatchObject({ status: 1, stdout: '' });
    expect(said.stderr).toContain('not a git repository');
  });

  test('histories that have nothing in common, and says which flag merges them', async () => {
    const other = await commit(desk, repo, 'other');
    const said = await gam(one, other);
    expect(said).toMatchObject({ status: 1, stdout: '' });
    expect(said.stderr).toContain('--allow-unrelated-histories');
  });

  test('nothing where help is asked for', async () => {
    const said = await gam('--help');
    expect(said.status).toBe(0);
    for (const word of [
      '--write-ref',
      '--on-conflict',
      'keep-both',
      '--allow-unrelated-histories',
      'git 2.38',
    ])
      expect(said.stdout.replaceAll(/\s+/g, ' ')).toContain(word);
  });
});
