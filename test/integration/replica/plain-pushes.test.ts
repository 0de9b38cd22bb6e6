import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { foundPrimaries, type TestGroup } from '../../helpers/group.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// Whatever plain git can do with a push works the same at a member, and what it refuses is refused: gam's hook stands where receive-pack
// would decide by itself.
describe('a push to a member', () => {
  let sandbox: Sandbox;
  let group: TestGroup;
  let server: HttpServer;
  const member = (id: string) => sandbox.path(`${id}.git`);

  const commit = async (cwd = 'work') => {
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'more'], { cwd });
    return (await sandbox.git(['rev-parse', 'HEAD'], { cwd })).stdout.trim();
  };
  const push = (args: readonly string[], status = 0, cwd = 'work') =>
    sandbox.git(['push', ...args], { cwd, expectStatus: status });
  const refs = async () =>
    Promise.all(
      ['eu', 'us'].map(
        async (id) =>
          (await sandbox.git(['for-each-ref', 'refs/heads', 'refs/tags', 'refs/notes'], { cwd: `${id}.git` }))
            .stdout,
      ),
    );
  const expectAlike = async () => {
    const [eu, us] = await refs();
    expect(us).toBe(eu);
    return eu ?? '';
  };
  const hook = (id: string, name: string, lines: readonly string[]) => {
    const file = sandbox.path(`${id}.git/hooks/${name}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
    chmodSync(file, 0o755);
  };
  const withConfig = async (key: string, value: string, work: () => Promise<void>) => {
    await sandbox.git(['config', key, value], { cwd: 'us.git' });
    try {
      await work();
    } finally {
      await sandbox.git(['config', '--unset', key], { cwd: 'us.git' });
    }
  };

  beforeAll(async () => {
    sandbox = makeSandbox();
    group = await foundPrimaries(sandbox, ['eu', 'us']);
    server = await startHttpServer({ root: sandbox.root, env: sandbox.env, push: true });
    await sandbox.git(['init', '--quiet', 'work']);
    await commit();
    await push([member('us'), 'HEAD:refs/heads/main']);
  }, 120_000);

  afterAll(async () => {
    await group.idle(['eu', 'us']);
    await server.close();
    await sandbox.close();
  });

  test('brings branches, annotated tags and notes, forces, and deletes; to both members', async () => {
    await commit();
    await sandbox.git(['tag', '-a', '-m', 'one', 'v1'], { cwd: 'work' });
    await sandbox.git(['notes', 'add', '-m', 'well done'], { cwd: 'work' });
    await push([member('us'), 'HEAD:refs/heads/main', 'HEAD:refs/heads/a/b', 'v1', 'refs/notes/*']);
    expect(await expectAlike()).toMatch(/ commit\trefs\/heads\/a\/b\n.* tag\trefs\/tags\/v1\n/s);
    await sandbox.git(['commit', '--quiet', '--allow-empty', '--amend', '-m', 'other'], { cwd: 'work' });
    const rejected = await push([member('eu'), 'HEAD:refs/heads/main'], 1);
    expect(rejected.stderr).toMatch(/\[rejected\] .*\(non-fast-forward\)/);
    await push(['--force', member('eu'), 'HEAD:refs/heads/main', ':refs/heads/a/b', ':refs/tags/v1']);
    const after = await expectAlike();
    expect(after).not.toMatch(/a\/b|v1/);
    const again = await push([member('us'), 'HEAD:refs/heads/main']);
    expect(again.stderr).toMatch(/Everything up-to-date/);
  });

  test('is refused as a whole when it is atomic, and only where it must be when it is not', async () => {
    const stale = (await sandbox.git(['rev-parse', 'HEAD'], { cwd: 'work' })).stdout.trim();
    await commit();
    await push([member('eu'), 'HEAD:refs/heads/main']);
    const before = await refs();
    const lease = `--force-with-lease=refs/heads/main:${stale}`;
    await push(['--atomic', lease, member('us'), 'HEAD^:refs/heads/main', 'HEAD:refs/heads/new'], 1);
    expect(await refs()).toEqual(before);
    // A branch that is a folder of another one cannot be made; the one beside it can.
    const both = [member('us'), 'HEAD:refs/heads/main/sub', 'HEAD:refs/heads/new'];
    const { stderr } = await push(both, 1);
    expect(stderr).toMatch(/! \[remote rejected\] HEAD -> main\/sub \(gam: /);
    expect(await expectAlike()).toMatch(/refs\/heads\/new\n/);
    const atomic = await push(
      ['--atomic', member('us'), 'HEAD:refs/heads/main/sub', 'HEAD:refs/heads/newer'],
      1,
    );
    expect(atomic.stderr).toMatch(/! \[remote rejected\] HEAD -> newer \(/);
    expect(await expectAlike()).not.toMatch(/newer/);
  });

  test('obeys receive.deny* as receive-pack does, and leaves refs alone that no group keeps', async () => {
    await withConfig('receive.denyDeletes', 'true', async () => {
      const { stderr } = await push([member('us'), ':refs/heads/new'], 1);
      expect(stderr).toMatch(/\(deletion prohibited\)/);
    });
    await withConfig('receive.denyNonFastForwards', 'true', async () => {
      const { stderr } = await push(['--force', member('us'), 'HEAD^:refs/heads/main'], 1);
      expect(stderr).toMatch(/\(non-fast-forward\)/);
    });
    const { stderr } = await push([member('us'), ':refs/heads/main'], 1);
    expect(stderr).toMatch(/\(deletion of the current branch prohibited\)/);
    await push([member('us'), 'HEAD:refs/changes/1/1']);
    const { stdout } = await sandbox.git(['for-each-ref', 'refs/changes'], { cwd: 'eu.git' });
    expect(stdout).toBe('');
    const own = await push([member('us'), 'HEAD:refs/gam/state/heads/main'], 1);
    expect(own.stderr).toMatch(/deny updating a hidden ref/);
    const asked = await push([member('us'), 'HEAD:refs/gam/request/0/ask'], 1);
    expect(asked.stderr).toMatch(/only members of the group may ask this/);
    await expectAlike();
  });

  test('shows what it moves to the reference-transaction hook that was there, at either member; where it was pushed to, that may refuse', async () => {
    const log = sandbox.path('moved.log');
    const kept = 'before-gam/reference-transaction';
    for (const id of ['eu', 'us'])
      hook(id, kept, [
        'seen=$(cat)',
        `echo "${id} $1 $seen" >>'${log}'`,
        `case "$1 $seen" in prepared*refs/heads/never) exit 1 ;; esac`,
      ]);
    try {
      await commit();
      for (const id of ['eu', 'us']) {
        writeFileSync(log, '');
        await push([member(id), `HEAD:refs/heads/seen-${id}`]);
        const seen = readFileSync(log, 'utf8');
        for (const at of ['eu', 'us'])
          expect(seen).toMatch(new RegExp(`^${at} committed .*refs/heads/seen-${id}$`, 'm'));
        await push([member(id), 'HEAD:refs/heads/never'], 1);
      }
      expect(await expectAlike()).not.toContain('refs/heads/never');
    } finally {
      for (const id of ['eu', 'us']) rmSync(sandbox.path(`${id}.git/hooks/${kept}`));
    }
  });

  test('runs the hooks of the repository: they judge where it was pushed to, and are told wherever it arrives', async () => {
    const log = sandbox.path('hooks.log');
    for (const id of ['eu', 'us']) {
      writeFileSync(log, '');
      // gitolite has links to hooks that many repositories share.
      const common = sandbox.path(`common-${id}`);
      mkdirSync(common);
      writeFileSync(
        `${common}/update`,
        `#!/bin/sh\necho "${id} update $1" >>'${log}'\n[ "$1" != refs/heads/secret ]\n`,
      );
      chmodSync(`${common}/update`, 0o755);
      mkdirSync(sandbox.path(`${id}.git/hooks`), { recursive: true });
      symlinkSync(`../../common-${id}/update`, sandbox.path(`${id}.git/hooks/update`));
      hook(id, 'pre-receive', [`sed 's/^.* /${id} pre-receive /' >>'${log}'`]);
      hook(id, 'post-receive', [
        `sed 's/^.* /${id} post-receive /' >>'${log}'; env | grep -c '^GIT_PUSH_OPTION_' >>'${log}'`,
      ]);
      await group.replica(id, ['reconcile']);
    }
    writeFileSync(log, '');
    await commit();
    const { stderr } = await push(
      ['--push-option=one', member('us'), 'HEAD:refs/heads/main', 'HEAD:refs/heads/secret'],
      1,
    );
    expect(stderr).toMatch(/! \[remote rejected\] HEAD -> secret \(hook declined\)/);
    const lines = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => /refs/.test(line));
    expect(lines.toSorted()).toEqual([
      'eu post-receive refs/heads/main',
      'us post-receive refs/heads/main',
      'us pre-receive refs/heads/main',
      'us pre-receive refs/heads/secret',
      'us update refs/heads/main',
      'us update refs/heads/secret',
    ]);
    // The option, and how many there are.
    expect(readFileSync(log, 'utf8')).toMatch(/us post-receive refs\/heads\/main\n2\n/);
    expect(await expectAlike()).not.toMatch(/secret/);
  });

  test('is refused from a shallow clone whose history the member has not', async () => {
    await commit('work');
    await sandbox.git(['clone', '--quiet', '--depth=1', `file://${sandbox.path('work')}`, 'shallow']);
    await commit('shallow');
    const { stderr } = await push([member('us'), 'HEAD:refs/heads/shallow'], 1, 'shallow');
    expect(stderr).toMatch(/! \[remote rejected\] HEAD -> shallow \(shallow update not allowed\)/);
    expect(await expectAlike()).not.toMatch(/shallow/);
    // One that the member can complete is a push like any other.
    await push([member('us'), 'HEAD:refs/heads/main']);
    await push([member('us'), 'HEAD:refs/heads/shallow'], 0, 'shallow');
    expect(await expectAlike()).toMatch(/shallow/);
  });

  test('goes over git http-backend, too, where a mirror push takes nothing of the group along', async () => {
    await sandbox.git(['clone', '--quiet', '--mirror', `${server.url}/us.git`, 'mirror.git']);
    const listed = await sandbox.git(['for-each-ref', '--format=%(refname)'], { cwd: 'mirror.git' });
    expect(listed.stdout).not.toMatch(/refs\/gam/);
    await sandbox.git(['update-ref', 'refs/heads/mirrored', 'refs/heads/main'], { cwd: 'mirror.git' });
    const { stderr } = await push(['--mirror', `${server.url}/us.git`], 0, 'mirror.git');
    expect(stderr).toMatch(/remote: gam: replicated to 1 of 1/);
    expect(await expectAlike()).toMatch(/mirrored/);
    expect((await group.replica('us', ['status'])).stdout).toMatch(/eu +primary +current/);
  });
});
