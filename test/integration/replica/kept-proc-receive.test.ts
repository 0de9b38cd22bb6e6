import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cloneMember, type TestGroup, testGroup } from '../../helpers/group.ts';
import { hookPath, writeScript } from '../../helpers/member.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const HOOK = fileURLToPath(new URL('../../helpers/kept-proc-receive.cjs', import.meta.url));

let sandbox: Sandbox;
let group: TestGroup;
let gitDir: string;
let commit: string;
let count = 0;

// Two primaries; the first one had a hook of its own for refs/for.
beforeAll(async () => {
  sandbox = makeSandbox();
  group = testGroup(sandbox);
  gitDir = sandbox.path('eu.git');
  for (const id of ['eu', 'us']) {
    await initBare(sandbox, `${id}.git`);
    await sandbox.git(['config', 'receive.procReceiveRefs', 'refs/for'], { cwd: `${id}.git` });
  }
  writeScript(hookPath(gitDir, 'proc-receive'), [`exec '${process.execPath}' '${HOOK}'`]);
  writeScript(hookPath(gitDir, 'post-receive'), ['while read -r old new ref; do echo "moved $ref"; done']);
  await group.replica('eu', ['init', 'demo', '--id', 'eu', '--url', gitDir]);
  const us = sandbox.path('us.git');
  await group.replica('us', ['join', gitDir, '--id', 'us', '--url', us]);
  await cloneMember(sandbox, gitDir, 'work');
});
beforeEach(async () => {
  count += 1;
  for (const name of ['mode', 'asked']) rmSync(join(gitDir, name), { force: true });
  await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', `commit ${count}`], { cwd: 'work' });
  commit = (await sandbox.git(['rev-parse', 'HEAD'], { cwd: 'work' })).stdout.trim();
});
afterAll(() => sandbox.close());

const setMode = (mode: string) => writeFileSync(join(gitDir, 'mode'), mode);

interface Asked {
  version: string[];
  environment: string[];
  gitDir: string;
  refs: string[];
  options: string[];
}

/** What the hook was asked, time by time. */
function asked(): Asked[] {
  if (!existsSync(join(gitDir, 'asked'))) return [];
  const lines = readFileSync(join(gitDir, 'asked'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Asked);
}

const pushArgs = (to: string, refs: readonly string[], options: readonly string[]) => [
  'push',
  '--porcelain',
  ...options,
  sandbox.path(`${to}.git`),
  ...refs.map((ref) => `${commit}:${ref}`),
];

/** What a push ends with: what became of each ref, as `git push --porcelain` has it, and what servers said. */
async function push(refs: readonly string[], options: readonly string[] = [], to = 'eu') {
  const args = pushArgs(to, refs, options);
  const { stdout, stderr } = await sandbox.git(args, { cwd: 'work', expectStatus: null });
  const lines = [...stdout.matchAll(/^(.)\t[^\t]*:(\S+)\t(.*)$/gm)];
  const said = [...stderr.matchAll(/^remote: (.*?) *$/gm)].map(([, line = '']) => line);
  return {
    told: new Map(lines.map(([, flag = '', ref = '', words = '']) => [ref, `${flag} ${words}`])),
    said,
  };
}

/** Where a ref is at both members. */
const at = (ref: string) => Promise.all(['eu', 'us'].map((id) => group.ref(id, ref)));

describe('a push of refs that are not the group’s', () => {
  test('is done by the hook that was there, in its words, and with what receive-pack would have given it', async () => {
    const { told, said } = await push(['refs/for/one']);
    expect([...told]).toEqual([['refs/changes/one', '* [new reference]']]);
    expect(said).toEqual(['change refs/changes/one', 'moved refs/changes/one']);
    expect(await at('refs/changes/one')).toEqual([commit, '']);
    expect(await at('refs/for/one')).toEqual(['', '']);
    const version = ['version=1\n'];
    expect(asked()).toEqual([{ version, environment: [], gitDir: '.', refs: ['refs/for/one'], options: [] }]);
  });

  test('may have been done in the place of several refs', async () => {
    setMode('twice');
    expect([...(await push(['refs/for/two'])).told.keys()]).toEqual([
      'refs/changes/two',
      'refs/changes/two/again',
    ]);
  });

  test('brings its push options', async () => {
    await push(['refs/for/three'], ['-o', 'topic=x', '-o', 'title=a b']);
    const [{ version, options } = { version: [], options: [] }] = asked();
    expect(version).toEqual(['version=1\0push-options\n']);
    expect(options).toEqual(['topic=x', 'title=a b']);
  });

  test('is taken or refused ref by ref beside what the group does', async () => {
    const refs = ['refs/for/four', 'refs/heads/four', 'refs/for/five', 'refs/tags/four'];
    const taken = await push(refs);
    expect([...taken.told.keys()].sort()).toEqual([
      'refs/changes/five',
      'refs/changes/four',
      'refs/heads/four',
      'refs/tags/four',
    ]);
    expect(await at('refs/heads/four')).toEqual([commit, commit]);
    expect(await at('refs/tags/four')).toEqual([commit, commit]);
    expect(asked().map(({ refs: own }) => own)).toEqual([['refs/for/four', 'refs/for/five']]);
    setMode('refuse');
    const { told } = await push(['refs/for/six', 'refs/heads/six']);
    expect(told.get('refs/for/six')).toBe('! [remote rejected] (not open for review)');
    expect(await at('refs/heads/six')).toEqual([commit, commit]);
  });

  test('may lead to a push of its own, which is the group’s, while the group is at work with the first', async () => {
    setMode('merge');
    const { told } = await push(['refs/for/merge', 'refs/heads/beside']);
    expect(told.get('refs/changes/merge')).toMatch(/^\*/);
    for (const ref of ['refs/heads/merged', 'refs/heads/beside'])
      expect(await at(ref)).toEqual([commit, commit]);
  });

  test('is left to receive-pack where the hook says so', async () => {
    setMode('fall-through');
    await push(['refs/for/seven', 'refs/heads/seven']);
    expect(await at('refs/for/seven')).toEqual([commit, '']);
    expect(await at('refs/heads/seven')).toEqual([commit, commit]);
  });

  test('is done by receive-pack where there was no hook', async () => {
    const { told } = await push(['refs/for/eight', 'refs/heads/eight'], [], 'us');
    expect([...told.keys()].sort()).toEqual(['refs/for/eight', 'refs/heads/eight']);
    expect(await at('refs/for/eight')).toEqual(['', commit]);
    expect(await at('refs/heads/eight')).toEqual([commit, commit]);
  });
});

describe('an atomic push', () => {
  test('of such refs alone is one to the hook, too', async () => {
    await push(['refs/for/nine'], ['--atomic']);
    expect(asked().map(({ version }) => version)).toEqual([['version=1\0atomic\n']]);
  });

  test.each(['eu', 'us'])('of both kinds is refused before anybody has done anything, at %s', async (id) => {
    const { told } = await push(['refs/for/ten', 'refs/heads/ten'], ['--atomic'], id);
    for (const ref of ['refs/for/ten', 'refs/heads/ten'])
      expect(told.get(ref)).toMatch(/^! .*push them one after the other, or without --atomic/);
    expect(asked()).toEqual([]);
    for (const ref of ['refs/for/ten', 'refs/changes/ten', 'refs/heads/ten'])
      expect(await at(ref)).toEqual(['', '']);
  });

  // As in plain git: an exit status of the hook ends what receive-pack was to do itself.
  test('is refused where the hook fails behind its report', async () => {
    setMode('fail');
    const { told } = await push(['refs/for/eleven', 'refs/changes/extra'], ['--atomic']);
    expect(told.get('refs/changes/extra')).toMatch(/^! .*fail to run proc-receive hook/);
    expect(await at('refs/changes/extra')).toEqual(['', '']);
  });
});

describe('a hook that', () => {
  test.each([
    ['die', 'was killed by SIGKILL'],
    ['odd', 'reported what makes no sense'],
    ['future', 'speaks another version of the protocol'],
    ['chatty', 'does not speak the protocol'],
  ])('does not keep to the protocol (%s) has its refs refused, and the others go on', async (mode, words) => {
    setMode(mode);
    const { told } = await push([`refs/heads/${mode}`, `refs/for/${mode}`]);
    expect(told.get(`refs/for/${mode}`)).toMatch(
      new RegExp(`^! .*the server's own proc-receive hook ${words}; push again`),
    );
    expect(await at(`refs/heads/${mode}`)).toEqual([commit, commit]);
  });

  test('tells of refs that it was not asked for changes nothing of these', async () => {
    setMode('meddle');
    const { told } = await push(['refs/heads/m', 'refs/for/m']);
    expect(told.get('refs/heads/m')).toMatch(/^\*/);
    expect(await at('refs/heads/m')).toEqual([commit, commit]);
  });

  test('says nothing is ended behind replica.hookTimeout, with all that it has started', async () => {
    setMode('deaf');
    await sandbox.git(['config', 'replica.hookTimeout', '300ms'], { cwd: 'eu.git' });
    const { told } = await push(['refs/for/deaf', 'refs/heads/deaf']);
    await sandbox.git(['config', '--unset', 'replica.hookTimeout'], { cwd: 'eu.git' });
    expect(told.get('refs/for/deaf')).toMatch(/did not answer within 0.3 s \(replica.hookTimeout\)/);
    expect(await at('refs/heads/deaf')).toEqual([commit, commit]);
    expect(hooksAlive()).toEqual([]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('is at work ends when gam gets %s', async (signal) => {
    setMode('deaf');
    const args = pushArgs('eu', ['refs/for/stopped'], []);
    const pushing = sandbox.start('git', args, { cwd: 'work' });
    const [, pid = ''] = await pushing.saw('stderr', /silent beneath ([0-9]+)/);
    process.kill(Number(pid), signal);
    expect((await pushing.ended).stdout).toContain('was ended, as the push was');
    expect(hooksAlive()).toEqual([]);
  });

  test('cannot be started has its refs refused', async () => {
    const kept = join(gitDir, 'hooks/before-gam/proc-receive');
    const text = readFileSync(kept, 'utf8');
    writeFileSync(kept, '#!/nowhere/sh\n');
    const { told } = await push(['refs/for/none', 'refs/heads/none']);
    writeFileSync(kept, text);
    expect(told.get('refs/for/none')).toContain("the server's own proc-receive hook cannot be started");
    expect(await at('refs/heads/none')).toEqual([commit, commit]);
  });
});

function hooksAlive(): string[] {
  return sandbox.living().flatMap(({ command }) => (/kept-proc-receive|trap/.test(command) ? [command] : []));
}
