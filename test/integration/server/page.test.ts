import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../../src/server/page/status.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { ask } from '../../helpers/raw-request.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// The page at /-/ over http: what it tells, whom, and what it does to learn it.

let sandbox: Sandbox;
let served: GamServe;
let mirrors: GamServe;

const get = (path: string, server = served, headers = {}) => ask({ url: server.url, path, headers });
const statusOf = async (server = served) =>
  JSON.parse((await get('/-/status.json', server)).body.toString()) as Status;
const configure = async (repository: string, values: Readonly<Record<string, string>>) => {
  for (const [key, value] of Object.entries(values))
    await sandbox.git(['config', '--add', key, value], { cwd: repository });
};

/** A server that tells what it was asked with, and answers as it is told; it is a mirror to nobody. */
async function listener(
  answer: 'refuse' | 'never',
): Promise<{ url: string; asked: IncomingMessage[]; server: Server }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    if (answer === 'refuse') response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/project.git', { commits: 20, tags: 2, branches: 2 });
  await generateHistory(sandbox, 'served/deep/er/tree', { commits: 3 });
  await generateHistory(sandbox, 'served/closed.git', { commits: 3 });
  for (const name of ['same', 'behind'])
    await sandbox.git(['clone', '-q', '--mirror', 'served/project.git', `mirrors/${name}.git`]);
  const { stdout } = await sandbox.git(['for-each-ref', '--format=%(refname)', 'refs/tags'], {
    cwd: 'mirrors/behind.git',
  });
  const [tag = ''] = stdout.split('\n');
  await sandbox.git(['update-ref', '-d', tag], { cwd: 'mirrors/behind.git' });
  await sandbox.git(['update-ref', 'refs/heads/main', 'main~2'], { cwd: 'mirrors/behind.git' });
  mirrors = await gamServe(sandbox, 'mirrors', ['--no-page']);
  await configure('served/project.git', {
    'mirrorList.enabled': 'true',
    'mirrorList.canonical': 'https://far.example/project.git',
    'mirrorList.eu.url': `${mirrors.url}/same.git`,
    'mirrorList.eu.location': 'DE',
    'mirrorList.us.url': `${mirrors.url}/behind.git`,
    'mirrorList.us.priority': '10',
    'mirrorList.gone.url': 'http://127.0.0.1:1/gone.git',
    'mirrorList.here.url': sandbox.path('mirrors/same.git'),
    'mirrorList.ssh.url': 'ssh://git@127.0.0.1/x.git',
  });
  await configure('served/closed.git', { 'mirrorList.enabled': 'true', 'http.uploadpack': 'false' });
  await configure('served/deep/er/tree', { 'mirrorList.enabled': 'true', 'mirrorList.state': 'deprecated' });
  served = await gamServe(sandbox, 'served');
});

afterAll(async () => {
  await served.stop();
  await mirrors.stop();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

test('the page is there by GET and HEAD, and without its last slash one is led to it', async () => {
  const { status, body, headers } = await get('/-/');
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(body.toString()).toMatch(/^<!DOCTYPE html>\n<html lang="en">/);
  const head = await ask({ url: served.url, path: '/-/', method: 'HEAD' });
  expect([head.status, head.body.length]).toEqual([200, 0]);
  const led = await get('/-');
  expect([led.status, new URL(led.headers.location ?? '', `${served.url}/-`).pathname]).toEqual([308, '/-/']);
  const posted = await ask({ url: served.url, path: '/-/', method: 'POST', body: 'x' });
  expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, HEAD']);
  expect((await get('/-/other')).status).toBe(404);
});

test('nothing of it is stored, framed, or taken from elsewhere', async () => {
  for (const path of ['/-/', '/-/status.json']) {
    const { headers } = await get(path);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
  }
  const nonceOf = async () =>
    /'nonce-([^']+)'/.exec(String((await get('/-/')).headers['content-security-policy']))?.[1];
  expect(await nonceOf()).not.toBe(await nonceOf());
});

test('it tells of the lists, of how fresh mirrors are, and of no folder of this machine', async () => {
  const states = async () =>
    Object.fromEntries(
      (await statusOf()).lists.flatMap((list) =>
        list.mirrors.map(({ id, freshness: { state, behind, reason } }) => [id, [state, reason ?? behind]]),
      ),
    );
  await expect.poll(states, { timeout: 60_000, interval: 50 }).toEqual({
    eu: ['same', 0],
    us: ['behind', 2],
    gone: ['failed', null],
    here: ['unasked', 'only http(s) and git:// are'],
    ssh: ['unasked', 'only http(s) and git:// are'],
  });
  await served.logged(
    /^gam: \/project\.git: no answer from its mirror http:\/\/127\.0\.0\.1:1\/gone\.git: \S/m,
  );
  const { server, lists, truncated } = await statusOf();
  expect(Object.keys(server).sort()).toEqual([
    'bytesIn',
    'bytesOut',
    'errors',
    'git',
    'now',
    'refused',
    'requests',
    'running',
    'startedAt',
    'version',
    'waiting',
  ]);
  expect(truncated).toBe(false);
  expect(lists.map(({ path, state }) => [path, state])).toEqual([
    ['/deep/er/tree', 'deprecated'],
    ['/project.git', 'current'],
  ]);
  expect(lists[1]).toMatchObject({
    canonical: ['https://far.example/project.git'],
    successor: null,
    policy: 'fixed',
    limit: 10,
    ttlSeconds: 86_400,
    prefer: null,
  });
  const [eu, us, , here] = lists[1]?.mirrors ?? [];
  expect(eu).toMatchObject({
    id: 'eu',
    url: `${mirrors.url}/same.git`,
    location: 'DE',
    priority: null,
    weight: 1,
    state: 'current',
  });
  expect(us).toMatchObject({ location: null, latitude: null, priority: 10 });
  expect(here?.url).toBeNull();
  const page = (await get('/-/')).body.toString();
  expect(page).toContain('behind by 2 refs');
  expect(page).toContain(`href="${mirrors.url}/same.git"`);
  for (const path of ['/-/', '/-/status.json'])
    expect((await get(path)).body.toString()).not.toContain(sandbox.root);
});

test('a list that is changed shows without a restart', async () => {
  await configure('served/deep/er/tree', { 'mirrorList.added.url': 'git://127.0.0.1:1/x' });
  const ids = async () => (await statusOf()).lists[0]?.mirrors.map(({ id }) => id);
  await expect.poll(ids, { timeout: 60_000, interval: 100 }).toEqual(['added']);
});

test('it counts what was asked of repositories, not who looks at it', async () => {
  const { server: before } = await statusOf();
  await sandbox.git(['-c', 'protocol.version=2', 'clone', '-q', `${served.url}/project.git`, 'clone']);
  await get('/absent.git/HEAD');
  await get('/-/');
  // The count comes when an answer has gone, which its client knows before the server does.
  await expect
    .poll(async () => (await statusOf()).server.requests, { timeout: 30_000 })
    .toBe(before.requests + 4);
  const { server, repositories } = await statusOf();
  expect(server.refused).toBe(before.refused + 1);
  expect(server.bytesOut).toBeGreaterThan(before.bytesOut + 1000);
  expect(repositories.map(({ path, requests }) => [path, requests])).toEqual([['/project.git', 3]]);
  expect(repositories[0]?.bytesOut).toBe(server.bytesOut - before.bytesOut);
});

test('with --htpasswd it is for those who have a login', async () => {
  const sha = createHash('sha1').update('secret').digest('base64');
  writeFileSync(sandbox.path('logins'), `ada:{SHA}${sha}\n`);
  const server = await gamServe(sandbox, 'served', ['--htpasswd', sandbox.path('logins')]);
  const Authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  for (const path of ['/-', '/-/', '/-/status.json']) {
    const { status, body } = await get(path, server);
    expect([status, body.toString()]).toEqual([401, 'a login is needed here\n']);
    expect((await get(path, server, { Authorization })).status).toBe(path === '/-' ? 308 : 200);
  }
  await server.stop();
});

test('with --no-page there is none, and --check-mirrors has no use then', async () => {
  for (const path of ['/-/', '/-/status.json']) expect((await get(path, mirrors)).status).toBe(404);
  const { stderr } = await sandbox.run('gam', ['serve', '--no-page', '--check-mirrors', '.'], {
    expectStatus: 2,
  });
  expect(stderr).toMatch(/^gam: --check-mirrors is for the page/);
});

describe('a look at a mirror', () => {
  const scene = async (folder: string, url: string) => {
    mkdirSync(sandbox.path(folder));
    await generateHistory(sandbox, `${folder}/x.git`, { commits: 2 });
    await configure(`${folder}/x.git`, { 'mirrorList.enabled': 'true', 'mirrorList.m.url': `${url}/x.git` });
  };
  const stateOf = async (server: GamServe) => (await statusOf(server)).lists[0]?.mirrors[0]?.freshness.state;

  test('with --check-mirrors comes by itself, and shows nobody a login', async () => {
    const { asked, server: mirror, url } = await listener('refuse');
    await scene('private', url);
    const helper = '!printf "username=ada\\npassword=secret\\n" #';
    await configure('private/x.git', { [`http.${url}/.extraHeader`]: 'Authorization: Bearer secret' });
    for (const [key, value] of [
      [`http.${url}/.extraHeader`, 'Authorization: Bearer secret'],
      [`credential.${url}.helper`, helper],
      ['credential.helper', helper],
    ] as const)
      await sandbox.git(['config', '--global', key, value]);
    const server = await gamServe(sandbox, 'private', ['--check-mirrors']);
    await server.logged(/^gam: \/x\.git: no answer from its mirror/m);
    expect(await stateOf(server)).toBe('failed');
    expect(asked.length).toBeGreaterThan(0);
    for (const { headers } of asked) {
      expect(headers.authorization).toBeUndefined();
      expect(headers.cookie).toBeUndefined();
    }
    await server.stop();
    mirror.close();
  });

  test('does not come where .netrc has a login for it', async () => {
    const { asked, server: mirror, url } = await listener('refuse');
    await scene('netrc', url);
    mkdirSync(sandbox.path('home-with-netrc'));
    writeFileSync(sandbox.path('home-with-netrc/.netrc'), 'machine 127.0.0.1 login ada password secret\n');
    const env = { HOME: sandbox.path('home-with-netrc') };
    const server = await gamServe(sandbox, 'netrc', [], { env });
    await expect.poll(() => stateOf(server), { timeout: 30_000, interval: 50 }).toBe('unasked');
    await server.stop();
    expect(asked).toEqual([]);
    mirror.close();
  });

  test('ends with the server, also where the mirror is silent', async () => {
    const { asked, server: mirror, url } = await listener('never');
    await scene('silent', url);
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'gam.connectTimeout', GIT_CONFIG_VALUE_0: '1h' };
    const server = await gamServe(sandbox, 'silent', ['--check-mirrors'], { env });
    await expect.poll(() => asked.length, { timeout: 30_000 }).toBe(1);
    expect(await stateOf(server)).toBe('unknown');
    expect((await server.stop()).status).toBe(0);
    mirror.closeAllConnections();
    mirror.close();
  });
});
