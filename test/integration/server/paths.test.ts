import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { startHttpServer } from '../../helpers/http-server.ts';
import { ask } from '../../helpers/raw-request.ts';
import { cloneBare, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// Nothing but the repositories under the root, whatever is asked for.

let sandbox: Sandbox;
let served: GamServe;

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/repo.git', { commits: 20 });
  await cloneBare(sandbox, 'served/repo.git', 'outside.git');
  await sandbox.git(['clone', '-q', 'outside.git', 'outside']);
  await sandbox.git(['worktree', 'add', '-q', sandbox.path('served/linked')], { cwd: 'outside' });
  await sandbox.git(['clone', '-q', 'served/repo.git', 'served/inside']);
  await sandbox.git(['worktree', 'add', '-q', sandbox.path('served/linked-inside')], {
    cwd: 'served/inside',
  });
  symlinkSync(sandbox.path('outside.git'), sandbox.path('served/link.git'));
  symlinkSync(sandbox.root, sandbox.path('served/up'));
  symlinkSync('repo.git', sandbox.path('served/alias.git'));
  await cloneBare(sandbox, 'served/repo.git', 'served/leaking.git');
  writeFileSync(sandbox.path('secret'), 'secret');
  mkdirSync(sandbox.path('served/leaking.git/objects/aa'));
  symlinkSync(sandbox.path('secret'), sandbox.path('served/leaking.git/objects/aa', 'b'.repeat(38)));
  served = await gamServe(sandbox, 'served');
});

afterAll(async () => {
  const { stderr } = await served.stop();
  // Not one line of the log holds what a terminal would obey.
  expect(/[^\n\u0020-\u007e]/.test(stderr)).toBe(false);
  await expectNoChildren(sandbox);
  await sandbox.close();
});

const refs = '/info/refs?service=git-upload-pack';

test.each([
  ['repo.git', 200],
  ['alias.git', 200],
  ['linked-inside', 200],
  ['%72epo.git', 200],
  ['../outside.git', 404],
  ['repo.git/../../outside.git', 404],
  ['%2e%2e/outside.git', 404],
  ['.%2e/outside.git', 404],
  ['repo.git%2f..%2f..%2foutside.git', 404],
  ['..%2foutside.git', 404],
  ['..%5coutside.git', 404],
  ['..\\outside.git', 404],
  ['/outside.git', 404],
  ['./repo.git', 404],
  ['repo.git%00.git', 404],
  ['repo.git%0a', 404],
  ['%c0%ae%c0%ae/outside.git', 404],
  ['%zz', 404],
  ['link.git', 404],
  ['up/outside.git', 404],
  ['up/outside', 404],
  ['linked', 404],
  ['~root', 404],
  ['absent', 404],
])('/%s gives %i', async (path, status) => {
  const answer = await ask({ url: served.url, path: `/${path}${refs}` });
  expect(answer.status).toBe(status);
});

test('an absolute path is one under the root, and a whole URL is one of this server', async () => {
  expect((await ask({ url: served.url, path: `/${sandbox.path('outside.git')}${refs}` })).status).toBe(404);
  expect((await ask({ url: served.url, path: `http://elsewhere.example/repo.git${refs}` })).status).toBe(200);
});

test('files of a repository that git serves, and no others', async () => {
  const get = async (path: string) => (await ask({ url: served.url, path })).status;
  expect(await get('/repo.git/HEAD')).toBe(200);
  expect(await get('/repo.git/objects/info/packs')).toBe(200);
  for (const path of ['config', 'packed-refs', 'refs/heads/main', 'hooks/x', 'objects/info/../../config', ''])
    expect(await get(`/repo.git/${path}`)).toBe(404);
  expect(await get(`/leaking.git/objects/aa/${'b'.repeat(38)}`)).toBe(404);
  await served.logged(/"GET \/leaking\.git\/.* 404 .*reason="it leads out of the root"/);
});

test.each([
  ['POST', `/repo.git${refs}`, 'GET, HEAD'],
  ['GET', '/repo.git/git-upload-pack', 'POST'],
  ['DELETE', '/repo.git/HEAD', 'GET, HEAD'],
])('%s %s is no method for it', async (method, path, allow) => {
  const { status, headers } = await ask({ url: served.url, method, path });
  expect([status, headers.allow]).toEqual([405, allow]);
});

test('HEAD is GET without a body', async () => {
  const [head, get] = await Promise.all(
    ['HEAD', 'GET'].map((method) => ask({ url: served.url, method, path: '/repo.git/HEAD' })),
  );
  expect([head?.status, head?.body.length, head?.headers['content-length']]).toEqual([
    200,
    0,
    get?.headers['content-length'],
  ]);
});

// git's own tests have it so: with this set, git takes every repository for somebody else's.
test("a repository of another user's is refused with git's reason, where git refuses it", async (context) => {
  const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' };
  const plain = await startHttpServer({
    root: sandbox.path('served'),
    env: { ...sandbox.serverEnv, ...env },
  });
  const there = await ask({ url: plain.url, path: `/repo.git${refs}` });
  await plain.close();
  if (there.status === 200) context.skip();
  const server = await gamServe(sandbox, 'served', [], { env });
  expect((await ask({ url: server.url, path: `/repo.git${refs}` })).status).toBe(403);
  await server.logged(/" 403 .*reason="fatal: detected dubious ownership in repository at '.*repo\.git'/);
  expect((await ask({ url: server.url, path: '/-/health' })).status).toBe(200);
  await server.stop();
});
