import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hookPath, installMemberHooks, makeCommits, makeMember, writeScript } from '../../helpers/member.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let count = 0;
let gitDir: string;
let client: string;
let commit: string;
beforeAll(() => {
  sandbox = makeSandbox();
});
beforeEach(async () => {
  count += 1;
  gitDir = await makeMember(sandbox, `${count}.git`);
  client = await initBare(sandbox, `client-${count}.git`);
  [commit = ''] = await makeCommits(sandbox, client, 1);
});
afterAll(() => sandbox.close());

const install = () => installMemberHooks(sandbox, gitDir);

/** What the pusher sees of the server's hooks, but for the stand-in for gam's own program. */
async function push(refs: readonly string[], to = gitDir): Promise<{ isTaken: boolean; said: string[] }> {
  const specs = refs.map((ref) => `${commit}:${ref}`);
  const { status, stderr } = await sandbox.git(['push', to, ...specs], { cwd: client, expectStatus: null });
  const said = [...stderr.matchAll(/^remote: (.*?) *$/gm)].map(([, line = '']) => line);
  return { isTaken: status === 0, said: said.filter((line) => !line.startsWith('kept: ')) };
}

/** As forges write them: the hooks proper are in a folder that is named after the hook. */
const DELEGATE = [
  'data=$(cat)',
  'name=$(basename "$0")',
  'for hook in "$GIT_DIR/hooks/$name.d"/* "$(dirname "$0")/$name.d"/*; do',
  '  echo "$data" | "$hook" || exit $?',
  'done',
];
const TELL = (words: string) => [`while read -r old new ref; do echo "${words} $ref"; done`];

describe('a push to a member', () => {
  test('is judged by the delegates of a forge', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), DELEGATE);
    writeScript(hookPath(gitDir, 'pre-receive.d/forge'), TELL('forge'));
    writeScript(hookPath(gitDir, 'post-receive'), DELEGATE);
    writeScript(hookPath(gitDir, 'post-receive.d/forge'), TELL('notice'));
    await install();
    const refs = ['refs/heads/main', 'refs/heads/two'];
    const { isTaken, said } = await push(refs);
    expect(isTaken).toBe(true);
    expect(said).toEqual(
      ['forge', 'forge', 'notice', 'notice'].flatMap((word) => refs.map((ref) => `${word} ${ref}`)),
    );
    writeScript(hookPath(gitDir, 'pre-receive.d/forge'), ['echo no >&2', 'exit 4']);
    expect(await push(['refs/heads/three'])).toEqual({ isTaken: false, said: ['no'] });
  });

  test('is judged by hooks that are links to a folder that all repositories have in common', async () => {
    writeScript(sandbox.path('common/pre-receive'), ['echo "common ${0##*/}"']);
    mkdirSync(join(gitDir, 'hooks'));
    symlinkSync('../../common/pre-receive', hookPath(gitDir, 'pre-receive'));
    symlinkSync(sandbox.path('common/pre-receive'), hookPath(gitDir, 'post-receive'));
    await install();
    const said = ['common pre-receive', 'common post-receive'];
    expect(await push(['refs/heads/main'])).toEqual({ isTaken: true, said });
  });

  test('is judged by one script for all hooks that goes by the name it is called by', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), ['echo "as ${0##*/}"']);
    for (const name of ['post-receive', 'post-update']) symlinkSync('pre-receive', hookPath(gitDir, name));
    await install();
    const said = ['as pre-receive', 'as post-receive', 'as post-update'];
    expect(await push(['refs/heads/main'])).toEqual({ isTaken: true, said });
  });

  test('is judged by a hook that has what it needs beside it', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), ['. "$(dirname "$0")/lib.sh"', 'judge']);
    writeFileSync(hookPath(gitDir, 'lib.sh'), 'judge() { echo "judged in $PWD"; exit 1; }\n');
    await install();
    expect(await push(['refs/heads/main'])).toEqual({ isTaken: false, said: [`judged in ${gitDir}`] });
  });

  test('is not judged by what git would not have run either', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), ['exit 1']);
    chmodSync(hookPath(gitDir, 'pre-receive'), 0o644);
    symlinkSync('/nowhere', hookPath(gitDir, 'post-receive'));
    await install();
    expect(await push(['refs/heads/main'])).toEqual({ isTaken: true, said: [] });
  });

  test('is judged by a hook that does not read, and nobody complains', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), ['echo judged']);
    await install();
    const refs = Array.from({ length: 2000 }, (_, index) => `refs/heads/${'long'.repeat(20)}/${index}`);
    expect(await push(refs)).toEqual({ isTaken: true, said: ['judged'] });
  });

  test('is refused where the hook is killed', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), ['kill -9 $$']);
    await install();
    expect(await push(['refs/heads/main'])).toMatchObject({ isTaken: false });
  });

  test('of another member is not judged again, and what comes with it is', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), TELL('judged'));
    await install();
    const ask = `refs/gam/request/${'0'.repeat(64)}/ask`;
    expect((await push([ask])).said).toEqual([]);
    expect((await push([`${ask}2`, 'refs/heads/main'])).said).toEqual(['judged refs/heads/main']);
  });

  test('is refused where the former hooks are nowhere, as one of them might have refused it', async () => {
    writeScript(hookPath(gitDir, 'pre-receive'), ['exit 1']);
    await install();
    await sandbox.run('rm', ['-r', hookPath(gitDir, 'before-gam')]);
    const { isTaken, said } = await push(['refs/heads/main']);
    expect(isTaken).toBe(false);
    expect(said).toContain('gam: push again, or run gam replica reconcile on the server');
  });
});

describe('a repository of no group with the same folder of hooks', () => {
  let stranger: string;
  const asked = () => readFileSync(join(stranger, 'asked'), 'utf8').trim();
  beforeEach(async () => {
    stranger = await initBare(sandbox, `stranger-${count}.git`);
    const shared = sandbox.path(`shared-${count}`);
    for (const cwd of [gitDir, stranger]) await sandbox.git(['config', 'core.hooksPath', shared], { cwd });
    writeScript(join(shared, 'pre-receive'), ['exec cat >asked']);
  });

  test('has its pushes judged as ever, of whatever refs', async () => {
    await install();
    expect(await push(['refs/heads/main', 'refs/gam/mine'], stranger)).toEqual({ isTaken: true, said: [] });
    const zeros = '0'.repeat(40);
    expect(asked()).toBe(`${zeros} ${commit} refs/heads/main\n${zeros} ${commit} refs/gam/mine`);
  });

  test('has its own proc-receive hook, if it has one', async () => {
    await sandbox.git(['config', 'receive.procReceiveRefs', 'refs/for'], { cwd: stranger });
    await install();
    const without = await push(['refs/for/main'], stranger);
    expect(without.isTaken).toBe(false);
    expect(without.said).toContain(
      'gam: this repository is in no group, and has no proc-receive hook of its own',
    );
    const program = new URL('../../helpers/proc-receive.cjs', import.meta.url).pathname;
    const shared = sandbox.path(`shared-${count}`);
    writeScript(join(shared, 'proc-receive'), [`exec '${process.execPath}' '${program}'`]);
    await install();
    expect(await push(['refs/for/main'], stranger)).toMatchObject({ isTaken: true });
  });
});
