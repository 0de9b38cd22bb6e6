import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { enrolMembers } from '../../helpers/enrolled.ts';
import { fakeSsh } from '../../helpers/fake-ssh.ts';
import { cloneMember, foundPrimaries, type TestGroup, testGroup } from '../../helpers/group.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type RunInSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: TestGroup;

beforeEach(() => {
  sandbox = makeSandbox();
  group = testGroup(sandbox);
});
afterEach(async () => {
  await sandbox.close();
});

/** All that a repository has, but objects: files with their content, so that any change shows. */
function listing(repository: string): string[] {
  const top = sandbox.path(repository);
  return readdirSync(top, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(join(top, 'objects')))
    .map((file) => `${file}\n${readFileSync(file, 'latin1')}`)
    .sort();
}

/** Runs a command that must fail, and must not change anything; returns what it says. */
async function refused(
  id: string,
  args: readonly string[],
  others: readonly string[] = [],
  options: RunInSandbox = {},
): Promise<string> {
  const repositories = [`${id}.git`, ...others.map((other) => `${other}.git`)];
  const before = repositories.map(listing);
  const { status, stderr } = await group.replica(id, args, { expectStatus: null, ...options });
  expect(status).toBeGreaterThan(0);
  expect(repositories.map(listing)).toEqual(before);
  return stderr;
}

const url = (id: string) => sandbox.path(`${id}.git`);

describe('gam replica init', () => {
  beforeEach(async () => {
    await initBare(sandbox, 'eu.git');
  });

  test('refuses names that could be more than names', async () => {
    for (const name of ['$(touch x)', '../x', '']) {
      expect(await refused('eu', ['init', name, '--id', 'eu', '--url', url('eu')])).toContain(
        'cannot be the name of a group',
      );
    }
    for (const name of ['a;b', 'A', 'x'.repeat(40)]) {
      expect(await refused('eu', ['init', 'demo', `--id=${name}`, '--url', url('eu')])).toContain(
        'cannot be the id of a member',
      );
    }
  });

  test('refuses a URL that leads nowhere, to another repository, or to none', async () => {
    await initBare(sandbox, 'us.git');
    mkdirSync(sandbox.path('folder'));
    const init = ['init', 'demo', '--id', 'eu', '--url'];
    expect(await refused('eu', [...init, url('us')])).toContain('is another repository than this one');
    expect(await refused('eu', [...init, sandbox.path('folder')])).toContain('is no repository');
    expect(await refused('eu', [...init, sandbox.path('nowhere')])).toContain('cannot be reached');
    expect(await refused('eu', [...init, 'http://127.0.0.1:1/x.git'])).toContain('cannot be reached');
    expect(await refused('eu', [...init, `ext::sh -c touch% ${sandbox.path('x')}`])).toContain('not allowed');
    expect(existsSync(sandbox.path('x'))).toBe(false);
  });

  test('refuses what is no bare repository, a coordinator that it does not know, and a git without proc-receive', async () => {
    await sandbox.git(['init', '--quiet', 'worked']);
    const init = ['replica', 'init', 'demo', '--id', 'eu', '--url', url('eu'), '--repo'];
    const run = (repo: string, env = {}) => sandbox.run('gam', [...init, repo], { expectStatus: null, env });
    expect((await run(sandbox.path('worked'))).stderr).toContain('has a work tree');
    expect((await run(sandbox.path('nowhere'))).stderr).toContain('is no folder');
    expect(
      await refused('eu', ['init', 'demo', '--id', 'eu', '--url', url('eu'), '--coordinator', 'zoo:1']),
    ).toContain('zoo:1 names no cluster of etcd');
    const git = (await sandbox.run('sh', ['-c', 'command -v git'])).stdout.trim();
    writeFileSync(
      sandbox.path('bin/git'),
      `#!/bin/sh\n[ "$1" = --version ] && exec echo git version 2.28.1\nexec ${git} "$@"\n`,
    );
    chmodSync(sandbox.path('bin/git'), 0o755);
    expect(await refused('eu', ['init', 'demo', '--id', 'eu', '--url', url('eu')])).toContain(
      'members need git 2.29',
    );
  });

  test('a group of one takes pushes, and is a plain repository again when it is left', async () => {
    await cloneMember(sandbox, url('eu'), 'work');
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
    const before = listing('eu.git');
    await group.replica('eu', ['init', 'demo', '--id', 'eu', '--url', url('eu')]);
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'next'], { cwd: 'work' });
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
    expect(await refused('eu', ['init', 'demo', '--id', 'eu', '--url', url('eu')])).toContain('already');
    await sandbox.git(['push', '--quiet', '--force', 'origin', 'HEAD~1:main', 'HEAD:topic'], { cwd: 'work' });
    // What is deleted here is deleted in the state, too, which is in the same repository: git locks packed-refs for both.
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main', ':topic'], { cwd: 'work' });
    await sandbox.git(['push', '--quiet', '--force', 'origin', 'HEAD~1:main'], { cwd: 'work' });
    await group.replica('eu', ['leave']);
    expect(listing('eu.git')).toEqual(before);
  });

  test('whoever was killed while he founded it founds it anew', async () => {
    await cloneMember(sandbox, url('eu'), 'work');
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
    await group.replica('eu', ['init', 'demo', '--id', 'eu', '--url', url('eu')]);
    // As far as it has come before its last step.
    await sandbox.git(['config', '--unset', 'include.path'], { cwd: 'eu.git' });
    await group.replica('eu', ['init', 'demo', '--id', 'eu', '--url', url('eu')]);
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'next'], { cwd: 'work' });
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
    expect((await group.replica('eu', ['status', '--json'])).status).toBe(0);
  });
});

describe('gam replica join', () => {
  beforeEach(async () => {
    group = await foundPrimaries(sandbox, ['eu']);
    await cloneMember(sandbox, url('eu'), 'work');
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
    await initBare(sandbox, 'us.git');
  });

  const joining = (id: string, ...more: string[]) => [
    'join',
    url('eu'),
    '--id',
    id,
    '--url',
    url('us'),
    ...more,
  ];

  test('refuses an id that is taken, and a repository that is a member already', async () => {
    expect(await refused('us', joining('eu'), ['eu'])).toContain('has a member eu already');
    expect(await refused('us', ['join', url('eu'), '--id', 'us', '--url', url('eu')], ['eu'])).toContain(
      'is in demo already, as eu',
    );
    await group.replica('us', joining('us'));
    expect(await refused('us', joining('as'), ['eu'])).toContain('is us in the group demo already');
  });

  test('refuses where the group or this repository cannot be reached as it is said', async () => {
    const from = (place: string) => ['join', place, '--id', 'us', '--url', url('us')];
    const secret = ['--secret', sandbox.path('eu.git/gam/replica/secret')];
    await initBare(sandbox, 'plain.git');
    expect(await refused('us', from(sandbox.path('nowhere')), ['eu'])).toContain('there is no repository');
    expect(await refused('us', [...from(sandbox.path('nowhere')), ...secret], ['eu'])).toContain(
      'cannot be reached',
    );
    expect(await refused('us', [...from(url('plain')), ...secret], ['plain'])).toContain(
      'is no member of a group',
    );
    const elsewhere = ['join', url('eu'), '--id', 'us', '--url', url('plain')];
    expect(await refused('us', elsewhere, ['eu', 'plain'])).toContain('is another repository than this one');
  });

  test('refuses without the secret, and tells how to copy it; a wrong one lets nobody in', async () => {
    const ssh = fakeSsh(sandbox);
    const byUrl = (place: string, ...more: string[]) => [
      'join',
      place,
      '--id',
      'us',
      '--url',
      url('us'),
      ...more,
    ];
    expect(await refused('us', byUrl('git@eu.example:project.git'))).toContain(
      'scp git@eu.example:project.git/gam/replica/secret group.secret',
    );
    expect(await refused('us', byUrl('ssh://git@eu.example:2222/srv/my project.git'))).toContain(
      "scp -P 2222 'git@eu.example:/srv/my project.git/gam/replica/secret' group.secret",
    );
    writeFileSync(sandbox.path('wrong'), `${'0'.repeat(64)}\n`);
    writeFileSync(sandbox.path('none'), 'hunter2\n');
    const wrong = byUrl(`git@host:${url('eu')}`, '--secret', sandbox.path('wrong'));
    expect(await refused('us', wrong, ['eu'], { env: ssh.env })).toContain(
      'only members of the group may ask',
    );
    expect(await refused('us', joining('us', '--secret', sandbox.path('none')))).toContain('holds no secret');
    expect(await refused('us', joining('us', '--secret', sandbox.path('nowhere')))).toContain('is not there');
    expect(await refused('us', joining('us', '--secret', sandbox.path('eu.git')))).toContain(
      'cannot be read',
    );
  });

  test('refuses a repository of another hash', async () => {
    await initBare(sandbox, 'wide.git', 'sha256');
    const args = ['join', url('eu'), '--id', 'wide', '--url', url('wide')];
    expect(await refused('wide', args, ['eu'])).toContain('hash algorithm');
  });

  test('refuses another history, with what differs; with --keep-aside both survive', async () => {
    await cloneMember(sandbox, url('us'), 'other');
    const theirs = (await sandbox.git(['rev-parse', 'HEAD'], { cwd: 'other' })).stdout.trim();
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main', 'HEAD:topic'], { cwd: 'other' });
    const ours = await group.ref('eu', 'refs/heads/main');
    const said = await refused('us', joining('us'), ['eu']);
    expect(said).toContain('refs/heads/main, refs/heads/topic');
    await group.replica('us', joining('us', '--keep-aside'));
    expect(await group.ref('us', 'refs/heads/main')).toBe(ours);
    expect(await group.ref('us', 'refs/heads/topic')).toBe('');
    const kept = await sandbox.git(['for-each-ref', '--format=%(objectname)', 'refs/gam/diverged'], {
      cwd: 'us.git',
    });
    expect(new Set(kept.stdout.trim().split('\n'))).toEqual(new Set([theirs]));
  });

  test('takes in a repository that has less, and its HEAD follows', async () => {
    await sandbox.git(['symbolic-ref', 'HEAD', 'refs/heads/trunk'], { cwd: 'us.git' });
    await sandbox.git(['push', '--quiet', url('us'), 'HEAD:main'], { cwd: 'work' });
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'more'], { cwd: 'work' });
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
    await group.replica('us', joining('us', '--role', 'follower'));
    expect(await group.ref('us', 'HEAD')).toBe(await group.ref('eu', 'refs/heads/main'));
    const push = await sandbox.git(['push', url('us'), 'HEAD:other'], { cwd: 'work', expectStatus: 1 });
    expect(push.stderr).toContain(`us follows the others and takes no pushes; push to ${url('eu')}`);
  });

  test('takes the URLs that git takes: ssh, file, a path', async () => {
    const ssh = fakeSsh(sandbox);
    const secret = ['--secret', sandbox.path('eu.git/gam/replica/secret')];
    const args = [
      'join',
      `git@eu.example:${url('eu')}`,
      '--id',
      'us',
      '--url',
      `git@us.example:${url('us')}`,
    ];
    await group.replica('us', [...args, ...secret], { env: ssh.env });
    await initBare(sandbox, 'as.git');
    await group.replica('as', ['join', `file://${url('eu')}`, '--id', 'as', '--url', `file://${url('as')}`], {
      env: ssh.env,
    });
    await sandbox.git(['push', '--quiet', url('as'), 'HEAD:refs/heads/new'], { cwd: 'work', env: ssh.env });
    const [eu, us, as] = await Promise.all(['eu', 'us', 'as'].map((id) => group.ref(id, 'refs/heads/new')));
    expect([eu, us]).toEqual([as, as]);
    expect(ssh.calls().some((call) => call.includes('git@us.example'))).toBe(true);
  });

  test('whoever was killed while he joined joins again, also where the others have him already', async () => {
    await group.replica('us', joining('us'));
    // Before the others knew: hooks and configuration are there, and the document is the one from before.
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'more'], { cwd: 'work' });
    await sandbox.git(['config', '--unset', 'include.path'], { cwd: 'us.git' });
    await group.replica('us', joining('us'));
    await sandbox.git(['push', '--quiet', url('us'), 'HEAD:main'], { cwd: 'work' });
    expect(await group.ref('us', 'refs/heads/main')).toBe(await group.ref('eu', 'refs/heads/main'));
  });
});

test('groups that other tests begin with are as init and join make them', async () => {
  const ids = ['eu', 'us'];
  const empty = async () => {
    for (const id of ids) rmSync(sandbox.path(`${id}.git`), { recursive: true, force: true });
    await initBare(sandbox, 'eu.git');
    await sandbox.git(['push', '--quiet', url('eu'), 'HEAD:main'], { cwd: 'work' });
  };
  // What differs each time, by what stands for it.
  const listings = async () => {
    const uid = (await sandbox.git(['config', 'replica.uid'], { cwd: 'eu.git' })).stdout.trim();
    const secret = readFileSync(sandbox.path('eu.git/gam/replica/secret'), 'utf8').trim();
    const document = await group.ref('eu', 'refs/gam/group');
    const plain = (text: string) =>
      text.replaceAll(uid, '<uid>').replaceAll(secret, '<secret>').replaceAll(document, '<document>');
    // To join is a change of the group, which leaves a gate and a mark, as every first push does.
    const isOfPush = (line: string) => /refs\/gam\/(?:gates|done)|gam\/replica\/(?:gate|done)/.test(line);
    return ids.map((id) =>
      listing(`${id}.git`)
        .map(plain)
        .filter((line) => !isOfPush(line)),
    );
  };
  await sandbox.git(['init', '--quiet', 'work']);
  await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'first'], { cwd: 'work' });
  await empty();
  await group.replica('eu', ['init', 'demo', '--id', 'eu', '--url', url('eu')]);
  await initBare(sandbox, 'us.git');
  await group.replica('us', ['join', url('eu'), '--id', 'us', '--url', url('us'), '--role', 'follower']);
  await group.idle(ids);
  const founded = await listings();
  await empty();
  await enrolMembers(sandbox, [
    { id: 'eu', gitDir: url('eu') },
    { id: 'us', gitDir: url('us'), role: 'follower' },
  ]);
  expect(await listings()).toEqual(founded);
});

describe('gam replica leave', () => {
  beforeEach(async () => {
    group = await foundPrimaries(sandbox, ['eu', 'us']);
    await cloneMember(sandbox, url('eu'), 'work');
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
  });

  test('the arbiter and the only primary stay; others leave, and are told no more', async () => {
    expect(await refused('eu', ['leave'], ['us'])).toContain('gam replica arbiter <id>');
    expect(await refused('eu', ['role', 'us', 'king'], ['us'])).toContain('expected king to be one of');
    await group.replica('eu', ['role', 'us', 'follower']);
    await group.idle(['eu', 'us']);
    expect(await refused('eu', ['role', 'eu', 'follower'], ['us'])).toContain('is the only primary');
    await group.replica('us', ['leave']);
    expect(existsSync(sandbox.path('us.git/gam'))).toBe(false);
    expect((await sandbox.git(['config', '--list'], { cwd: 'us.git' })).stdout).not.toMatch(
      /replica|include/,
    );
    await sandbox.git(['push', '--quiet', url('us'), 'HEAD:mine'], { cwd: 'work' });
    expect(await group.ref('eu', 'refs/heads/mine')).toBe('');
    expect((await group.replica('eu', ['status', '--json'])).stdout).not.toContain('"us"');
  });

  test('whoever was killed while he left leaves again', async () => {
    const document = readFileSync(sandbox.path('us.git/gam/replica/group'), 'utf8');
    // The others know that it has left, and so does it; its hooks and configuration are still there.
    await group.replica('eu', ['arbiter', 'eu']);
    const without = document.replace(/\[replica "us"\]\n(?:\t.*\n)*/, '');
    writeFileSync(sandbox.path('us.git/gam/replica/group'), without);
    const push = await sandbox.git(['push', url('us'), 'HEAD:other'], { cwd: 'work', expectStatus: null });
    expect(push.stderr).toContain('gam replica leave');
    await group.replica('us', ['leave']);
    await sandbox.git(['push', '--quiet', url('us'), 'HEAD:other'], { cwd: 'work' });
    expect(existsSync(sandbox.path('us.git/gam'))).toBe(false);
  });
});
