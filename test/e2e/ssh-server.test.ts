import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { untilNothing } from '../helpers/bystanders.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type GamServe, gamServe } from '../helpers/gam-serve.ts';
import { makeLarge } from '../helpers/large-repository.ts';
import { type Line, openLine } from '../helpers/line.ts';
import { logPacks, type PackLog } from '../helpers/pack-log.ts';
import { asFetched, refsOf } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';
import { NO_SSHD, type Sshd, startSshd } from '../helpers/sshd.ts';

// `gam upload-pack` behind OpenSSH's own server and client, in the ways in which the README sets it up.

if (NO_SSHD === null) describe('behind a real sshd', behindSshd);
else test.skip(`behind a real sshd: ${NO_SSHD}`, () => undefined);

function behindSshd(): void {
  let sandbox: Sandbox;
  let packs: PackLog;
  let sshd: Sshd;
  let mirrors: GamServe;
  let far: Line;
  let near: Line;
  let trust: Readonly<Record<string, string>>;

  const url = (path: string) => `${sshd.url}${sandbox.path(path)}`;

  beforeAll(async () => {
    sandbox = makeSandbox();
    packs = await logPacks(sandbox);
    mkdirSync(sandbox.path('mirrors'));
    await generateHistory(sandbox, 'served/project.git', { commits: 60, tags: 3, blobSize: 2000 });
    await cloneBare(sandbox, 'served/project.git', 'mirrors/project.git');
    const { path: cert } = await makeCertificate(sandbox);
    trust = { GIT_SSL_CAINFO: cert };
    mirrors = await gamServe(sandbox, 'mirrors', ['--tls-key', sandbox.path('tls.key'), '--tls-cert', cert], {
      env: sandbox.serverEnv,
    });
    far = await openLine({ to: mirrors.port, latency: 400 });
    near = await openLine({ to: mirrors.port, latency: 2 });
    const list = {
      enabled: 'true',
      'far.url': `https://127.0.0.1:${far.port}/project.git`,
      'near.url': `https://127.0.0.1:${near.port}/project.git`,
    };
    for (const [key, value] of Object.entries(list))
      await sandbox.git(['config', `mirrorList.${key}`, value], { cwd: 'served/project.git' });
    // A folder that comes first on the PATH of who logs in.
    mkdirSync(sandbox.path('first'));
    const script = '#!/bin/sh\nexec gam upload-pack "$@"\n';
    writeFileSync(sandbox.path('first/git-upload-pack'), script, { mode: 0o755 });
    const forced = `command="gam upload-pack ${sandbox.path('served/project.git')}",restrict`;
    // As a profile would do it.
    const first = `PATH=${sandbox.path('first')}:$PATH; eval \\"$SSH_ORIGINAL_COMMAND\\"`;
    sshd = await startSshd(sandbox, { plain: '', forced, script: `command="${first}"` }, sandbox.env);
  });

  afterAll(async () => {
    await sshd.close();
    await near.close();
    await far.close();
    await mirrors.stop();
    await expectNoChildren(sandbox);
    await sandbox.close();
  });

  beforeEach(() => packs.forget());

  /** Nobody who has logged in is left, nor anybody's git. */
  async function expectNoSessions(): Promise<void> {
    const others = () => sandbox.living().filter(({ pid }) => pid !== mirrors.pid);
    expect(await untilNothing(others)).toEqual([]);
  }

  // With `git clone`, remote.<name>.uploadpack counts for nothing, and the option of the same name does.
  const ASKED = ['--upload-pack=gam upload-pack'];
  const ways = [
    ['by a line of authorized_keys', 'forced', [], [0, 1, 2]],
    ['by a script on the PATH', 'script', [], [2]],
    ['by remote.<name>.uploadpack', 'plain', ASKED, [0, 1, 2]],
  ] as const;
  const cases = ways.flatMap(([name, key, asked, versions]) =>
    versions.map((version) => [name, version, key, asked] as const),
  );

  test.each(cases)(
    '%s: a stock client of protocol v%i clones, fetches, lists refs',
    async (_, version, key, asked) => {
      const all = ['-c', `protocol.version=${version}`];
      const to = `${key}-${version}`;
      const cwd = key === 'forced' ? 'served/project.git' : `served/${to}.git`;
      if (key !== 'forced') await sandbox.git(['clone', '-q', '--bare', 'served/project.git', cwd]);
      if (key !== 'forced') await sandbox.git(['config', 'mirrorList.enabled', 'true'], { cwd });
      const trace = sandbox.path(`${to}.trace`);
      const env = { ...sshd.env(key), GIT_TRACE_PACKET: trace };
      const { stderr } = await sandbox.git([...all, 'clone', '-q', ...asked, url(cwd), to], { env });
      expect(stderr).toBe('');
      if (key === 'plain')
        await sandbox.git(['config', 'remote.origin.uploadpack', 'gam upload-pack'], { cwd: to });
      await addCommits(sandbox, cwd, 3, { seed: version });
      await sandbox.git([...all, 'fetch', '-q'], { cwd: to, env });
      await expectSameRefs(sandbox, to, cwd, asFetched);
      await expectClean(sandbox, to);
      const listed = await sandbox.git([...all, 'ls-remote', 'origin', 'main'], { cwd: to, env });
      expect(listed.stdout).toBe(`${(await refsOf(sandbox, cwd))['refs/heads/main']}\trefs/heads/main\n`);
      const told = readFileSync(trace, 'utf8').match(/ (?:clone|fetch|ls-remote)< mirror-list$/gm);
      expect(told?.length ?? 0).toBe(version === 2 ? 3 : 0);
      await expectNoSessions();
    },
  );

  test.each(['plain', 'script'])('a push is git’s own (%s)', async (key) => {
    const [to, cwd] = [`pushing-${key}`, `served/pushed-${key}.git`];
    await sandbox.git(['clone', '-q', '--bare', 'served/project.git', cwd]);
    const env = sshd.env(key);
    await sandbox.git(['clone', '-q', ...ASKED, url(cwd), to], { env });
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', key], { cwd: to });
    await sandbox.git(['push', '-q', 'origin', 'HEAD:refs/heads/pushed'], { cwd: to, env });
    const head = await sandbox.git(['rev-parse', 'HEAD'], { cwd: to });
    expect(`${(await refsOf(sandbox, cwd))['refs/heads/pushed']}\n`).toBe(head.stdout);
  });

  test('with a key that is for fetches nobody pushes, and git says so', async () => {
    const before = await refsOf(sandbox, 'served/project.git');
    await sandbox.git(['clone', '-q', 'served/project.git', 'pushing']);
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'x'], { cwd: 'pushing' });
    const { stderr } = await sandbox.git(['push', url('served/project.git'), 'HEAD:refs/heads/pushed'], {
      cwd: 'pushing',
      env: sshd.env('forced'),
      // By 2.39: that of a push that was refused.
      expectStatus: null,
    });
    expect(stderr).toMatch(/^error: failed to push|^fatal: /m);
    expect(await refsOf(sandbox, 'served/project.git')).toEqual(before);
    await expectNoSessions();
  });

  test.each(['forced', 'script'])(
    'a client of gam that nobody has told anything gets the list, and takes the nearer mirror (%s)',
    async (key) => {
      await sandbox.git(['fetch', '-q', sandbox.path('served/project.git'), '+refs/*:refs/*'], {
        cwd: 'mirrors/project.git',
      });
      await sandbox.run('rm', ['-rf', sandbox.path('home/.local/state')]);
      packs.forget();
      const to = `by-gam-${key}`;
      const { stderr } = await sandbox.git(['clone', `mirror::${url('served/project.git')}`, to], {
        env: { ...sshd.env(key), ...trust },
      });
      expect(stderr).toMatch(new RegExp(`^gam: .* from 127\\.0\\.0\\.1:${near.port}, .* saved\\)$`, 'm'));
      expect(packs.sentFrom('served')).toBe(0);
      await expectSameRefs(sandbox, to, 'served/project.git', asFetched);
      await expectClean(sandbox, to);
    },
  );

  test('a client that is killed in the middle leaves nobody on the server', async () => {
    await makeLarge(sandbox, 'served/large.git', 24);
    await sandbox.git(['config', 'mirrorList.enabled', 'true'], { cwd: 'served/large.git' });
    const words = ['clone', ...ASKED, url('served/large.git'), 'killed'];
    const clone = sandbox.start('git', words, { env: sshd.env('plain') });
    const packing = () => sandbox.living().filter(({ command }) => command.includes('pack-objects'));
    expect(await untilNothing(() => (packing().length > 0 ? [] : ['nobody packs']))).toEqual([]);
    clone.kill('SIGKILL');
    await clone.ended;
    await expectNoSessions();
  });

  test('a repository that is not there is told in the words of git', async () => {
    const words = ['ls-remote', '--upload-pack=gam upload-pack', url('nowhere.git')];
    const { stderr } = await sandbox.git(words, { env: sshd.env('plain'), expectStatus: 128 });
    expect(stderr).toMatch(/^fatal: '.*nowhere\.git' does not appear to be a git repository$/m);
  });
}
