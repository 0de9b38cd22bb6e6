import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gathered } from '../../../src/git/gathered.ts';
import { EMPTY_TREES } from '../../../src/git/push-request.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;

beforeAll(() => {
  sandbox = makeSandbox();
});

afterAll(() => sandbox.close());

// Ten thousand branches at as many commits were refused: git held each against each, and said nothing for longer than a member is waited for.
describe.each(['sha1', 'sha256'] as const)('with %s', (format) => {
  test('many commits are one that leads to all of them, and what else there is stands for itself', async () => {
    const cwd = `${format}.git`;
    await initBare(sandbox, cwd, format);
    const git = async (args: readonly string[], input?: string) =>
      (await sandbox.git(args, { cwd, ...(input === undefined ? {} : { input }) })).stdout.trim();
    const [blob, tree] = [await git(['hash-object', '-w', '--stdin'], 'text'), await git(['mktree'], '')];
    const commits = Array.from(
      { length: 100 },
      (_, n) => `commit refs/heads/b${n}
committer ada <a@b> ${1_700_000_000 + n} +0000
data 0

`,
    );
    await git(['fast-import', '--quiet'], commits.join(''));
    await git(['tag', '-a', '-m', 'first', 'v1', 'b0']);
    const refs = (await git(['for-each-ref', '--format=%(objectname)'])).split('\n');
    const tag = await git(['rev-parse', 'v1']);
    const tips = [...refs, blob];
    const run = { cwd: sandbox.path(cwd), env: sandbox.env };
    const [one = '', ...rest] = await gathered(tips, tree, run);
    expect(tree).toBe(EMPTY_TREES.get(format));
    expect([...rest].sort()).toEqual([blob, tag].sort());
    const reached = new Set(
      (await git(['rev-list', '--objects', '--no-object-names', one, ...rest])).split('\n'),
    );
    expect(tips.filter((oid) => !reached.has(oid))).toEqual([]);
    await git(['fsck', '--strict']);
    expect((await git(['for-each-ref', '--format=%(objectname)'])).split('\n')).toEqual(refs);
  });
});
