import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMirrorListJson } from '../../../src/protocol/mirror-list-json.ts';
import { askList, greetingOf, postUploadPack } from '../../helpers/ask-list.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamCache, gamServe } from '../../helpers/gam-serve.ts';
import { ask } from '../../helpers/raw-request.ts';
import { addCommits, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// gam serve on a folder of ordinary clones: each is served as what it is a clone of, and whoever asks by url= learns where.

const CANONICAL = 'https://git.example/team/x.git';

let sandbox: Sandbox;
let server: GamServe;
let temporary: string;

const at = (path: string, headers: Record<string, string> = {}) => ({ url: server.url, path, headers });
const places = async (url: string, path = '') =>
  (await askList(at(path), { url })).mirrors.map((mirror) => mirror.url);
const run = async (args: string[], cwd: string) => (await sandbox.git(args, { cwd })).stdout;

const refsAt = (url: string, version = 2) =>
  sandbox.git(['-c', `protocol.version=${version}`, 'ls-remote', '--symref', url], { expectStatus: null });

async function refsOf(path: string): Promise<string> {
  return (await sandbox.git(['ls-remote', '--symref', sandbox.path(path)])).stdout;
}

/** An ordinary clone, as a colleague has it: of a URL that nobody can reach here, with work of its own. */
async function makeClone(
  name: string,
  url: string,
  from = 'canonical.git',
  args: string[] = [],
): Promise<void> {
  await sandbox.git(['clone', '-q', ...args, `file://${sandbox.path(from)}`, `src/${name}`]);
  await sandbox.git(['remote', 'set-url', 'origin', url], { cwd: `src/${name}` });
}

beforeAll(async () => {
  sandbox = makeSandbox();
  temporary = sandbox.path('temporary');
  mkdirSync(temporary);
  await generateHistory(sandbox, 'canonical.git', { commits: 40, tags: 3, branches: 3 });
  // A tag of a tag: git before 2.45 looks behind the first one only.
  await sandbox.git(
    ['tag', '-a', '-m', 'outer', 'outer', (await run(['tag', '-l'], 'canonical.git')).split('\n')[0] ?? ''],
    {
      cwd: 'canonical.git',
    },
  );
  await generateHistory(sandbox, 'sha256.git', { commits: 3, objectFormat: 'sha256' });
  await makeClone('x', CANONICAL);
  await sandbox.git(['switch', '-q', '-c', 'private'], { cwd: 'src/x' });
  await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'mine'], { cwd: 'src/x' });
  await sandbox.git(['update-ref', 'refs/mirror/eu.example/heads/main', 'HEAD'], { cwd: 'src/x' });
  await makeClone('sha256', 'ssh://git@git.example/sha256', 'sha256.git');
  await makeClone('shallow', 'https://git.example/shallow', 'canonical.git', [
    '--depth=2',
    '--no-single-branch',
  ]);
  await makeClone('login', 'https://ann:secret@git.example/login.git');
  const partial = [
    '--filter=blob:none',
    '--no-checkout',
    '-u',
    'git -c uploadpack.allowFilter=true upload-pack',
  ];
  await makeClone('partial', 'https://git.example/partial', 'canonical.git', partial);
  await sandbox.git(['clone', '-q', '--mirror', sandbox.path('canonical.git'), 'src/whole.git']);
  await sandbox.git(['remote', 'set-url', 'origin', 'mirror::https://git.example/whole'], {
    cwd: 'src/whole.git',
  });
  server = await gamServe(sandbox, 'src', ['--trusted-proxy', '127.0.0.1'], { env: { TMPDIR: temporary } });
});

afterAll(async () => {
  await server.stop();
  expect(readdirSync(temporary)).toEqual([]);
  await expectNoChildren(sandbox);
  await sandbox.close();
});

describe('a clone, served as what it is a clone of', () => {
  test.each([0, 1, 2])('has the refs of canonical, in protocol v%i', async (version) => {
    const { stdout } = await refsAt(`${server.url}/x/-/remotes/origin`, version);
    expect(stdout).toBe(await refsOf('canonical.git'));
    expect(stdout).toContain('refs/tags/outer^{}');
  });

  test.each([0, 1, 2])('is cloned by stock git like canonical, in protocol v%i', async (version) => {
    const clone = (from: string, to: string) =>
      sandbox.git(['-c', `protocol.version=${version}`, 'clone', '-q', from, to]);
    await clone(`${server.url}/x/-/remotes/origin`, `view-${version}`);
    await clone(`file://${sandbox.path('canonical.git')}`, `plain-${version}`);
    const refs = (name: string) => run(['for-each-ref'], name);
    expect(await refs(`view-${version}`)).toBe(await refs(`plain-${version}`));
    await sandbox.git(['fsck', '--strict', '--no-progress'], { cwd: `view-${version}` });
  });

  test('serves dumb http, too', async () => {
    await sandbox.git(['clone', '-q', `${server.url}/x/-/remotes/origin`, 'dumb'], {
      env: { GIT_SMART_HTTP: '0' },
    });
    expect(await run(['for-each-ref'], 'dumb')).toBe(await run(['for-each-ref'], 'plain-2'));
  });

  test('has the hash of its clone', async () => {
    await sandbox.git(['clone', '-q', `${server.url}/sha256/-/remotes/origin`, 'of-sha256']);
    expect((await run(['rev-parse', 'HEAD'], 'of-sha256')).trim()).toBe(
      (await run(['rev-parse', 'main'], 'sha256.git')).trim(),
    );
  });

  test('of a history that is cut, it is cut as well', async () => {
    await sandbox.git(['clone', '-q', `${server.url}/shallow/-/remotes/origin`, 'of-shallow']);
    expect((await run(['rev-list', '--count', 'HEAD'], 'of-shallow')).trim()).toBe(
      (await run(['rev-list', '--count', 'origin/main'], 'src/shallow')).trim(),
    );
    await sandbox.git(['fsck', '--no-progress'], { cwd: 'of-shallow' });
  });

  test('follows when refs change, HEAD, tags and settings', async () => {
    await makeClone('moving', 'https://git.example/moving');
    const url = `${server.url}/moving/-/remotes/origin`;
    const before = (await refsAt(url)).stdout;
    await sandbox.git(['update-ref', 'refs/remotes/origin/new', 'origin/main~1'], { cwd: 'src/moving' });
    const { stdout } = await refsAt(url);
    expect(stdout).not.toBe(before);
    expect(stdout).toMatch(/\trefs\/heads\/new$/m);
    await sandbox.git(['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/new'], {
      cwd: 'src/moving',
    });
    expect((await refsAt(url)).stdout).toMatch(/^ref: refs\/heads\/new\tHEAD$/m);
    await sandbox.git(['pack-refs', '--all'], { cwd: 'src/moving' });
    await sandbox.git(['update-ref', '-d', 'refs/remotes/origin/new'], { cwd: 'src/moving' });
    expect((await refsAt(url)).stdout).not.toContain('refs/heads/new');
    await sandbox.git(['config', 'remote.origin.tagOpt', '--no-tags'], { cwd: 'src/moving' });
    expect((await refsAt(url)).stdout).not.toContain('refs/tags/');
    await sandbox.git(['config', 'transfer.hideRefs', 'refs/remotes/origin/main'], { cwd: 'src/moving' });
    expect((await refsAt(url)).stdout).not.toMatch(/refs\/heads\/main$/m);
    renameSync(sandbox.path('src/moving'), sandbox.path('moved'));
    expect((await refsAt(url)).stderr).toContain('not found');
  });

  test('each of several remotes is served by its own name, also with a slash in it', async () => {
    await makeClone('several', 'https://git.example/several');
    await sandbox.git(['remote', 'add', 'team/bob', 'https://bob.example/x'], { cwd: 'src/several' });
    await sandbox.git(['update-ref', 'refs/remotes/team/bob/topic', 'origin/main'], { cwd: 'src/several' });
    const { stdout } = await refsAt(`${server.url}/several/-/remotes/team/bob`);
    expect(stdout).toMatch(/\trefs\/heads\/topic$/m);
    expect(stdout).not.toMatch(/\trefs\/heads\/main$/m);
    expect(await places('https://bob.example/x')).toEqual([`${server.url}/several/-/remotes/team/bob`]);
  });

  test("never has what is the clone's own, and takes no push", async () => {
    const url = `${server.url}/x/-/remotes/origin`;
    const { stdout } = await refsAt(url);
    expect(stdout).not.toMatch(/private|refs\/mirror|refs\/remotes/);
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: 'src/x' });
    const push = await sandbox.git(['push', url, 'HEAD:refs/heads/pushed'], {
      cwd: 'plain-2',
      expectStatus: null,
    });
    expect(push.status).not.toBe(0);
    await sandbox.git(['config', '--unset', 'http.receivepack'], { cwd: 'src/x' });
    expect(await run(['for-each-ref', 'refs/heads/pushed'], 'src/x')).toBe('');
  });

  test.each([
    ['a remote that is not there', '/x/-/remotes/upstream', 404, 'no such remote'],
    ['a partial clone', '/partial/-/remotes/origin', 404, 'a partial clone'],
    ['a folder without a repository', '/nothing/-/remotes/origin', 404, 'no repository there'],
    ['no remote at all', '/x/-/remotes', 404, 'no repository there'],
  ])('is not there for %s', async (_, path, status, reason) => {
    const logged = server.logged(new RegExp(`GET ${path}/info/refs.* ${status} .*${reason}`));
    const answer = await ask({ url: server.url, path: `${path}/info/refs?service=git-upload-pack` });
    expect(answer.status).toBe(status);
    await logged;
  });

  test('is not there for a clone that lacks objects', async () => {
    await makeClone('broken', 'https://git.example/broken');
    rmSync(sandbox.path('src/broken/.git/objects'), { recursive: true });
    mkdirSync(sandbox.path('src/broken/.git/objects'));
    const { status, stderr } = await refsAt(`${server.url}/broken/-/remotes/origin`);
    expect([status, stderr]).toEqual([128, expect.stringContaining('git cannot serve this clone')]);
  });

  test('is not there for a clone that leads out of the root', async () => {
    symlinkSync(sandbox.path('moved'), sandbox.path('src/outside'));
    expect((await refsAt(`${server.url}/outside/-/remotes/origin`)).stderr).toContain('not found');
  });

  test.runIf(process.getuid?.() === 0)('is not there for one that git would not serve', async () => {
    await makeClone('foreign', 'https://git.example/foreign');
    const url = `${server.url}/foreign/-/remotes/origin`;
    expect((await refsAt(url)).status).toBe(0);
    await sandbox.run('chown', ['-R', 'nobody', sandbox.path('src/foreign')]);
    expect((await refsAt(url)).status).toBe(128);
    expect(await places('https://git.example/foreign')).toEqual([]);
  });

  test('is one repository for fifty clients at once', async () => {
    await addCommits(sandbox, 'canonical.git', 2, { seed: 8 });
    await sandbox.git(['fetch', '-q', sandbox.path('canonical.git'), '+refs/heads/*:refs/remotes/origin/*'], {
      cwd: 'src/x',
    });
    const clones = Array.from({ length: 50 }, (_, n) =>
      sandbox.git(['clone', '-q', '--bare', `${server.url}/x/-/remotes/origin`, `many/${n}`]),
    );
    await Promise.all(clones);
    const heads = await Promise.all(clones.map((_, n) => run(['rev-parse', 'main'], `many/${n}`)));
    expect(new Set(heads)).toEqual(new Set([await run(['rev-parse', 'main'], 'canonical.git')]));
  }, 120_000);
});

describe('asked by url=', () => {
  test.each([
    CANONICAL,
    'https://GIT.example:443/team/x',
    'https://git.example/team/x/',
    'mirror::https://bob@git.example/team/x.git',
  ])('the host says where it has %s', async (url) => {
    const list = await askList(at(''), { url });
    expect(list.mirrors.map((mirror) => mirror.url)).toEqual([`${server.url}/x/-/remotes/origin`]);
    expect(list).toMatchObject({ canonical: [url], more: 0, ttl: 3600 });
  });

  test('a mirror clone is named by its own address, and one that is whole before one that is cut', async () => {
    expect(await places('https://git.example/whole')).toEqual([`${server.url}/whole.git`]);
    await makeClone('a-cut', 'https://git.example/twice', 'canonical.git', ['--depth=1']);
    await makeClone('b-whole', 'https://git.example/twice');
    await expect
      .poll(() => places('https://git.example/twice'), { timeout: 20_000 })
      .toEqual(['b-whole', 'a-cut'].map((name) => `${server.url}/${name}/-/remotes/origin`));
  });

  test('it says which it carries to those who ask for another, without logins and what it cannot deliver', async () => {
    const list = await askList(at(''), { url: 'https://git.example/team/y' });
    expect(list.mirrors).toEqual([]);
    expect(list.canonical).toContain(CANONICAL);
    expect(list.canonical).toContain('https://git.example/login.git');
    expect(list.canonical).toContain('https://git.example/whole');
    expect(list.canonical).not.toContain('https://git.example/partial');
    expect(JSON.stringify(list)).not.toContain('secret');
    expect(await places('https://git.example/partial')).toEqual([]);
    expect(await askList(at(''))).toEqual(list);
  });

  test('it greets clients of protocol v2 alone, and has no repository for anybody', async () => {
    expect(await greetingOf(at(''))).toEqual(['version 2', 'mirror-list', 'flush']);
    expect((await ask({ url: server.url, path: '/info/refs?service=git-upload-pack' })).status).toBe(404);
    expect((await ask({ url: server.url, path: '/HEAD' })).status).toBe(404);
    const fetch = await postUploadPack(at(''), '0014command=ls-refs\n0000');
    expect(fetch.status).toBe(404);
  });

  test('as JSON, too, which no cache may give to others', async () => {
    const answer = await ask({ url: server.url, path: `/info/mirrors?url=${encodeURIComponent(CANONICAL)}` });
    expect(parseMirrorListJson(answer.body.toString()).mirrors[0]?.url).toBe(
      `${server.url}/x/-/remotes/origin`,
    );
    expect(answer.headers['cache-control']).toMatch(/^private/);
    expect((await ask({ url: server.url, path: `/info/mirrors?url=${'x'.repeat(3000)}` })).status).toBe(400);
  });

  test('it is called as the client calls it, or as a trusted proxy says', async () => {
    const named = async (headers: Record<string, string>) =>
      (await askList(at('', headers), { url: CANONICAL })).mirrors[0]?.url;
    expect(await named({ Host: 'anna.example:8080' })).toBe('http://anna.example:8080/x/-/remotes/origin');
    expect(await named({ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'git.office' })).toBe(
      'https://git.office/x/-/remotes/origin',
    );
    expect(await named({ Host: 'anna"><script>' })).toBeUndefined();
  });

  test('a repository with a list answers for itself alone, itself first', async () => {
    appendFileSync(
      sandbox.path('src/whole.git/config'),
      '[mirrorList]\n\tenabled = true\n[mirrorList "here"]\n\turl = https://eu.example/whole\n',
    );
    const url = 'https://git.example/whole';
    expect(await places(url, '/whole.git')).toEqual([`${server.url}/whole.git`, 'https://eu.example/whole']);
    expect(await places(CANONICAL, '/whole.git')).toEqual([]);
    expect((await askList(at('/whole.git'))).mirrors.map((mirror) => mirror.id)).toEqual(['here']);
    const list = await askList(at('/whole.git'), { url });
    expect(new Set(list.mirrors.map((mirror) => mirror.id)).size).toBe(2);
  });

  test('a name with characters that a URL encodes is found at an address that git can use', async () => {
    await makeClone('mit Ümlaut #1', 'https://git.example/odd');
    await expect.poll(() => places('https://git.example/odd'), { timeout: 20_000 }).toHaveLength(1);
    const [url = ''] = await places('https://git.example/odd');
    expect((await refsAt(url)).stdout).toBe((await refsAt(`${server.url}/x/-/remotes/origin`)).stdout);
  });
});

test('a server of one clone answers for it at its root', async () => {
  const one = await gamServe(sandbox, 'src/x', [], { env: { TMPDIR: temporary } });
  try {
    const root = { url: one.url, path: '' };
    expect((await askList(root, { url: CANONICAL })).mirrors[0]?.url).toBe(`${one.url}/-/remotes/origin`);
    expect((await refsAt(`${one.url}/-/remotes/origin`)).stdout).toMatch(/refs\/heads\/main$/m);
    expect((await refsAt(`${one.url}/`)).stdout).toMatch(/refs\/heads\/private$/m);
  } finally {
    await one.stop();
  }
});

test('with --no-carry nobody is told, and clones are served as they are', async () => {
  const one = await gamServe(sandbox, 'src', ['--no-carry'], { env: { TMPDIR: temporary } });
  try {
    const statuses = ['/info/mirrors', '/x/-/remotes/origin/info/refs', '/x/info/refs'].map(
      async (path) => (await ask({ url: one.url, path })).status,
    );
    expect(await Promise.all(statuses)).toEqual([404, 404, 200]);
    expect((await postUploadPack({ url: one.url, path: '' }, '0000')).status).toBe(404);
  } finally {
    await one.stop();
  }
});

test('logins hold for it as for everything', async () => {
  writeFileSync(sandbox.path('logins'), 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n');
  const one = await gamServe(sandbox, 'src', ['--htpasswd', sandbox.path('logins')], {
    env: { TMPDIR: temporary },
  });
  try {
    const paths = ['/info/mirrors', '/info/refs?service=git-upload-pack', '/x/-/remotes/origin/info/refs'];
    const headers = { 'Git-Protocol': 'version=2' };
    const statuses = paths.map(async (path) => (await ask({ url: one.url, path, headers })).status);
    expect(await Promise.all(statuses)).toEqual([401, 401, 401]);
    expect((await postUploadPack({ url: one.url, path: '' }, '0000')).status).toBe(401);
  } finally {
    await one.stop();
  }
});

test.each([0, 1, 2])('gam upload-pack serves the same over a line, in protocol v%i', async (version) => {
  const settings = ['-c', `protocol.version=${version}`];
  const listed = async (path: string) => {
    const words = [
      ...settings,
      'ls-remote',
      '--symref',
      '--upload-pack',
      'gam upload-pack',
      sandbox.path(path),
    ];
    return sandbox.git(words, { expectStatus: null, env: { TMPDIR: temporary } });
  };
  const before = readdirSync(temporary);
  expect((await listed('src/x/-/remotes/origin')).stdout).toBe(await refsOf('canonical.git'));
  for (const path of ['src/x/-/remotes/none', 'src/partial/-/remotes/origin', 'src/none/-/remotes/origin'])
    expect((await listed(path)).stderr).toContain('not appear to be a git repository');
  expect(readdirSync(temporary)).toEqual(before);
});

test('a cache says where it has what is under its bases, before it has it', async () => {
  const cache = await gamCache(sandbox, 'cache', [
    'https://git.example/',
    'http://inside.example:8080/group/',
  ]);
  try {
    const ofCache = async (url: string) =>
      (await askList({ url: cache.url, path: '' }, { url })).mirrors.map((mirror) => mirror.url);
    expect(await ofCache('https://git.example/team/x.git')).toEqual([`${cache.url}/git.example/team/x.git`]);
    expect(await ofCache('http://INSIDE.example:8080/group/r')).toHaveLength(1);
    expect(await ofCache('http://git.example/team/x.git')).toEqual([]);
    expect(await ofCache('https://elsewhere.example/x')).toEqual([]);
    const { canonical } = await askList({ url: cache.url, path: '' }, { url: 'https://elsewhere.example/x' });
    expect(canonical).toEqual(['https://git.example/', 'http://inside.example:8080/group/']);
  } finally {
    await cache.stop();
  }
});

test('what a killed server left is removed by the next one', async () => {
  const killed = await gamServe(sandbox, 'src', [], { env: { TMPDIR: temporary } });
  await refsAt(`${killed.url}/x/-/remotes/origin`);
  const before = readdirSync(temporary).length;
  killed.signal('SIGKILL');
  await killed.ended;
  expect(readdirSync(temporary)).toHaveLength(before);
  const next = await gamServe(sandbox, 'src', [], { env: { TMPDIR: temporary } });
  await refsAt(`${next.url}/x/-/remotes/origin`);
  expect(readdirSync(temporary)).toHaveLength(before);
  await next.stop();
  expect(readdirSync(temporary)).toHaveLength(before - 1);
  expect(existsSync(sandbox.path('src/x/.git/objects'))).toBe(true);
});
