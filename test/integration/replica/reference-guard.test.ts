import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hookPath, installMemberHooks, makeCommits, makeMember, writeScript } from '../../helpers/member.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const MOVES = { GAM_REPLICA_MOVES: '1' };
const REFS = ['refs/heads/main', 'refs/heads/side', 'refs/tags/loose', 'refs/tags/packed', 'refs/other/x'];

let sandbox: Sandbox;
let count = 0;
beforeAll(() => {
  sandbox = makeSandbox();
});
afterAll(() => sandbox.close());

describe.each(['sha1', 'sha256'] as const)('a local change of a member with %s', (format) => {
  let gitDir: string;
  let old: string;
  let young: string;
  beforeEach(async () => {
    count += 1;
    gitDir = await makeMember(sandbox, `${count}.git`, format === 'sha256' ? format : undefined);
    [old = '', young = ''] = await makeCommits(sandbox, gitDir, 2);
    const create = REFS.map((ref) => `create ${ref} ${old}\n`).join('');
    await sandbox.git(['update-ref', '--stdin'], { cwd: gitDir, input: create });
    await sandbox.git(['pack-refs', '--all'], { cwd: gitDir });
    await sandbox.git(['update-ref', 'refs/tags/loose', young], { cwd: gitDir });
    await installMemberHooks(sandbox, gitDir);
  });

  const refs = async () => (await sandbox.git(['for-each-ref'], { cwd: gitDir })).stdout;

  async function isRefused(args: readonly string[], ref: string, to: string): Promise<void> {
    const before = await refs();
    const { status, stderr } = await sandbox.git(args, { cwd: gitDir, expectStatus: null });
    expect([args, status === 0]).toEqual([args, false]);
    expect(stderr.split('\n').filter((line) => line.startsWith('gam: '))).toEqual([
      `gam: ${ref} is kept alike on all members of group team: change it by a push,`,
      `gam: git push . ${to}:${ref}`,
    ]);
    expect(await refs()).toBe(before);
  }

  async function isDone(args: readonly string[], input?: string): Promise<void> {
    const { stderr } = await sandbox.git(args, { cwd: gitDir, ...(input === undefined ? {} : { input }) });
    expect([args, stderr.includes('gam: ')]).toEqual([args, false]);
  }

  test('is refused where it really changes what all members keep alike, and nothing changes', async () => {
    await isRefused(['update-ref', 'refs/heads/main', young], 'refs/heads/main', young);
    await isRefused(['update-ref', 'refs/heads/main', young, old], 'refs/heads/main', young);
    await isRefused(['update-ref', 'HEAD', young], 'refs/heads/main', young);
    await isRefused(['update-ref', 'refs/heads/new', young], 'refs/heads/new', young);
    await isRefused(['update-ref', 'refs/notes/commits', young], 'refs/notes/commits', young);
    await isRefused(['branch', '-f', 'side', young], 'refs/heads/side', young);
    await isRefused(['branch', '-d', 'side'], 'refs/heads/side', '');
    await isRefused(['update-ref', '-d', 'refs/heads/side', old], 'refs/heads/side', '');
    await isRefused(['tag', '-d', 'packed'], 'refs/tags/packed', '');
    await isRefused(['tag', '-d', 'loose'], 'refs/tags/loose', '');
    await isRefused(['tag', 'new', young], 'refs/tags/new', young);
    await isRefused(['fetch', '-q', '.', `${young}:refs/heads/side`], 'refs/heads/side', young);
  });

  test('goes on where it changes nothing of that', async () => {
    await isDone(['update-ref', 'refs/heads/main', old]);
    await isDone(['update-ref', 'refs/heads/main', old, old]);
    await isDone(['update-ref', '-d', 'refs/heads/none']);
    await isDone(
      ['update-ref', '--stdin'],
      `verify refs/heads/main ${old}\nverify refs/tags/packed ${old}\n`,
    );
    await isDone(['update-ref', 'refs/other/x', young]);
    await isDone(['update-ref', '-d', 'refs/other/x']);
    await isDone(['symbolic-ref', 'HEAD', 'refs/heads/side']);
    await isDone(['symbolic-ref', 'refs/heads/alias', 'refs/heads/side']);
    const before = await refs();
    await isDone(['pack-refs', '--all', '--prune']);
    expect(existsSync(join(gitDir, 'refs/tags/loose'))).toBe(false);
    await isDone(['reflog', 'expire', '--all', '--expire=now']);
    await isDone(['gc', '-q']);
    expect(await refs()).toBe(before);
  });

  test('of many refs is looked at as a whole', async () => {
    const all = (line: (ref: string) => string) =>
      Array.from({ length: 10_000 }, (_, index) => `${line(`refs/heads/many/${index}`)}\n`).join('');
    const input = `${all((ref) => `delete ${ref}`)}create refs/heads/one ${young}\n`;
    const refused = await sandbox.git(['update-ref', '--stdin'], { cwd: gitDir, input, expectStatus: null });
    expect(refused.stderr).toContain(`gam: git push . ${young}:refs/heads/one\n`);
    await isDone(
      ['update-ref', '--stdin'],
      all((ref) => `delete ${ref}`),
    );
  });

  test('is let through where gam itself makes it, and by a push', async () => {
    await sandbox.git(['update-ref', 'refs/heads/side', young], { cwd: gitDir, env: MOVES });
    await sandbox.git(['push', '-q', '.', `${young}:refs/heads/main`, `${young}:refs/heads/new`], {
      cwd: gitDir,
    });
    expect((await refs()).split(young).length - 1).toBe(4);
  });
});

describe('the guard', () => {
  let gitDir: string;
  let ids: string[];
  beforeEach(async () => {
    count += 1;
    gitDir = await makeMember(sandbox, `${count}.git`);
    ids = await makeCommits(sandbox, gitDir, 2);
  });
  const update = async (ref: string, env = {}) =>
    (await sandbox.git(['update-ref', ref, ids[0] ?? ''], { cwd: gitDir, env, expectStatus: null })).status;

  test('is of what replica.publish names, and never of the own refs of gam', async () => {
    for (const pattern of ['refs/changes/*', 'refs/meta', 'refs/pull/*/head', 'refs/gam/*'])
      await sandbox.git(['config', '--add', 'replica.publish', pattern], { cwd: gitDir });
    await installMemberHooks(sandbox, gitDir);
    for (const ref of ['refs/changes/1/2', 'refs/meta/config', 'refs/pull/7/head']) {
      expect([ref, await update(ref)]).toEqual([ref, 128]);
    }
    for (const ref of [
      'refs/changesets/1',
      'refs/metadata',
      'refs/pull/7/merge',
      'refs/gam/x',
      'refs/heads/main',
    ]) {
      expect([ref, await update(ref)]).toEqual([ref, 0]);
    }
  });

  test('has the former hook asked first, with all that it is to be asked, and does nothing in a repository of no group', async () => {
    writeScript(hookPath(gitDir, 'reference-transaction'), [
      `{ echo "$*"; cat; } >>"${gitDir}/asked"`,
      '[ ! -e refuse ]',
    ]);
    await installMemberHooks(sandbox, gitDir);
    const [oid = ''] = ids;
    const line = `${'0'.repeat(40)} ${oid} refs/heads/side\n`;
    const asked = () => {
      const text = readFileSync(join(gitDir, 'asked'), 'utf8').replace(/preparing\n.*\n/g, '');
      rmSync(join(gitDir, 'asked'));
      return text;
    };
    expect(await update('refs/heads/side')).toBe(128);
    expect(asked()).toBe(`prepared\n${line}aborted\n${line}`);
    writeFileSync(join(gitDir, 'refuse'), '');
    expect(await update('refs/heads/side', MOVES)).toBe(128);
    rmSync(join(gitDir, 'refuse'));
    await sandbox.git(['config', '--unset', 'replica.self'], { cwd: gitDir });
    rmSync(join(gitDir, 'asked'));
    expect(await update('refs/heads/side')).toBe(0);
    expect(asked()).toBe(`prepared\n${line}committed\n${line}`);
  });

  test('starts nothing where gam moves the refs', async () => {
    await installMemberHooks(sandbox, gitDir);
    const hook = hookPath(gitDir, 'reference-transaction');
    const env = { ...MOVES, PATH: '/nowhere' };
    const { status, stderr } = await sandbox.run('/bin/sh', ['-c', `'${hook}' prepared`], {
      cwd: gitDir,
      env,
    });
    expect([status, stderr]).toEqual([0, '']);
  });
});
