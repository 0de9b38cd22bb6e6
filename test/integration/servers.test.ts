import { writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilNothing } from '../helpers/bystanders.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { expectClean, expectNoChildren, expectSameRefs, leftovers } from '../helpers/evidence.ts';
import { fakeSsh } from '../helpers/fake-ssh.ts';
import { startGitDaemon } from '../helpers/git-daemon.ts';
import { type HttpServerOptions, startHttpServer } from '../helpers/http-server.ts';
import { logPacks } from '../helpers/pack-log.ts';
import { asBare, asMirrored } from '../helpers/refs.ts';
import { addCommits, addManyRefs, cloneBare, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// The servers of the other tests, tried with plain git: what fails here is no fault of gam's.

let sandbox: Sandbox;
let ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/repo.git', { commits: 120 });
});

afterAll(async () => {
  for (const end of ends) await end();
  await sandbox.close();
});

async function http(options: Partial<HttpServerOptions> = {}) {
  const own = { root: sandbox.path('served'), env: sandbox.serverEnv, greetsAnew: true };
  const server = await startHttpServer({ ...own, ...options });
  ends.push(() => server.close());
  return server;
}

async function expectGoodClone(name: string): Promise<void> {
  await expectSameRefs(sandbox, name, 'served/repo.git');
  await expectClean(sandbox, name);
  await expectNoChildren(sandbox);
}

test('http: clone by protocol v2, every request logged and counted', async () => {
  const server = await http();
  // git before 2.26 speaks version 0 unless it is told.
  await sandbox.git(['-c', 'protocol.version=2', 'clone', '-q', `${server.url}/repo.git`, 'by-http']);
  await expectGoodClone('by-http');
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /repo.git/info/refs',
    'POST /repo.git/git-upload-pack',
    'POST /repo.git/git-upload-pack',
  ]);
  expect(server.requests[0]?.headers['git-protocol']).toBe('version=2');
  expect(server.bytesOut).toBeGreaterThan(50_000);
  expect(server.complaints).toEqual([]);
});

test('http: clone by protocol v0 from a server that knows no other', async () => {
  const server = await http({ speaks: 'v0' });
  await sandbox.git(['clone', '-q', `${server.url}/repo.git`, 'by-v0']);
  await expectGoodClone('by-v0');
  expect(server.requests).toHaveLength(2);
});

test('http: dumb clone of plain files', async () => {
  await sandbox.git(['update-server-info'], { cwd: 'served/repo.git' });
  const server = await http({ speaks: 'dumb' });
  await sandbox.git(['clone', '-q', `${server.url}/repo.git`, 'by-dumb']);
  await expectGoodClone('by-dumb');
});

test('https: a certificate of our own, and a login', async () => {
  const { key, cert, path } = await makeCertificate(sandbox);
  const server = await http({ tls: { key, cert }, login: { user: 'u', password: 'p' } });
  const ca = ['-c', `http.sslCAInfo=${path}`];
  const url = `${server.url.replace('://', '://u:p@')}/repo.git`;
  await sandbox.git([...ca, 'clone', '-q', url, 'by-https']);
  await expectGoodClone('by-https');
  await sandbox.git(['ls-remote', url], { expectStatus: 128 });
  await sandbox.git([...ca, 'ls-remote', `${server.url}/repo.git`], { expectStatus: 128 });
});

test('http: push where it is allowed, large and chunked, and only there', async () => {
  await cloneBare(sandbox, 'served/repo.git', 'served/pushed.git');
  await cloneBare(sandbox, 'served/repo.git', 'pusher.git');
  await addCommits(sandbox, 'pusher.git', 50);
  const [open, closed] = [await http({ push: true }), await http()];
  const push = ['-c', 'http.postBuffer=1000', 'push', '-q'];
  await sandbox.git([...push, `${closed.url}/pushed.git`, 'main'], { cwd: 'pusher.git', expectStatus: 128 });
  await sandbox.git([...push, `${open.url}/pushed.git`, 'main'], { cwd: 'pusher.git' });
  const tips = ['pusher.git', 'served/pushed.git'].map((cwd) => sandbox.git(['rev-parse', 'main'], { cwd }));
  const [mine, theirs] = await Promise.all(tips);
  expect(theirs?.stdout).toBe(mine?.stdout);
  expect(open.requests.some(({ headers }) => headers['transfer-encoding'] === 'chunked')).toBe(true);
});

test('http: a test answers in the place of the server', async () => {
  const server = await http();
  server.answer = (request, response) => {
    if (!request.url?.startsWith('/moved')) return false;
    response.writeHead(302, { Location: `${server.url}${request.url.slice('/moved'.length)}` }).end();
    return true;
  };
  const answer = await new Promise<IncomingMessage>((resolve) => {
    get(`${server.url}/moved/repo.git/HEAD`, resolve);
  });
  answer.resume();
  expect(answer).toMatchObject({ statusCode: 302, headers: { location: `${server.url}/repo.git/HEAD` } });
  await sandbox.git(['ls-remote', `${server.url}/repo.git`]);
});

test('http: a greeting is said again until the configuration changes, and no longer than the repository is there', async () => {
  await cloneBare(sandbox, 'served/repo.git', 'served/greeting.git');
  const [afresh, remembering] = [await http(), await http({ greetsAnew: false })];
  const greet = async ({ url }: { url: string }) => {
    const address = `${url}/greeting.git/info/refs?service=git-upload-pack`;
    const response = await fetch(address, { headers: { 'Git-Protocol': 'version=2' } });
    const kept = ['content-type', 'cache-control', 'expires', 'pragma'];
    return {
      said: await response.text(),
      status: response.status,
      headers: kept.map((name) => response.headers.get(name)),
    };
  };
  const first = await greet(afresh);
  expect(first.said).toContain('version 2');
  expect(first.said).not.toContain('filter');
  for (let times = 0; times < 2; times += 1) expect(await greet(remembering)).toEqual(first);
  await sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: 'served/greeting.git' });
  expect(await greet(remembering)).toEqual(await greet(afresh));
  expect((await greet(remembering)).said).toContain('filter');
  await sandbox.run('mv', ['served/greeting.git', 'served/gone.git']);
  expect(await greet(remembering)).toMatchObject({ status: 404 });
});

test('git://: clone and push, and every pack is logged with its repository', async () => {
  const packs = await logPacks(sandbox);
  const daemon = await startGitDaemon({ root: sandbox.path('served'), env: sandbox.serverEnv, push: true });
  ends.push(() => daemon.close());
  await sandbox.git(['clone', '-q', `${daemon.url}/repo.git`, 'by-daemon']);
  await expectGoodClone('by-daemon');
  expect(packs.sentFrom('served')).toBeGreaterThan(50_000);
  expect(daemon.bytesOut).toBeGreaterThan(packs.sentFrom('served'));
  await sandbox.git(['push', '-q', `${daemon.url}/repo.git`, 'main:pushed'], { cwd: 'by-daemon' });
  await sandbox.git(['push', '-q', `${daemon.url}/repo.git`, ':pushed'], { cwd: 'by-daemon' });
  expect(daemon.connections).toBe(3);
  await sandbox.git(['config', '--global', '--unset', 'uploadpack.packObjectsHook']);
});

test('ssh: clone by both ways to write it, and an unreachable host', async () => {
  const ssh = fakeSsh(sandbox);
  const path = sandbox.path('served/repo.git');
  await sandbox.git(['clone', '-q', `ssh://me@host:2222${path}`, 'by-ssh'], { env: ssh.env });
  await expectGoodClone('by-ssh');
  await sandbox.git(['ls-remote', `host:${path}`], { env: ssh.env });
  await sandbox.git(['ls-remote', 'unreachable:repo.git'], { env: ssh.env, expectStatus: 128 });
  const services = ssh.calls().filter((call) => call.includes('git-upload-pack'));
  expect(services[0]).toMatch(/-p 2222 me@host git-upload-pack '/);
  expect(services).toHaveLength(3);
});

test('refs are compared for each kind of clone, and a wrong one is told', async () => {
  await sandbox.git(['clone', '-q', '--bare', 'served/repo.git', 'bare.git']);
  await sandbox.git(['clone', '-q', '--mirror', 'served/repo.git', 'mirror.git']);
  await sandbox.git(['clone', '-q', 'served/repo.git', 'clone']);
  await expectSameRefs(sandbox, 'bare.git', 'served/repo.git', asBare);
  await expectSameRefs(sandbox, 'mirror.git', 'served/repo.git', asMirrored);
  await sandbox.git(['update-ref', 'refs/heads/mine', 'HEAD~3'], { cwd: 'clone' });
  await sandbox.git(['update-ref', '-d', 'refs/tags/v1'], { cwd: 'clone' });
  await expect(expectSameRefs(sandbox, 'clone', 'served/repo.git')).rejects.toThrow(/tags\/v1.*heads\/mine/s);
});

test('left-over refs, files and processes are found', async () => {
  await sandbox.git(['update-ref', 'refs/mirror/host/heads/main', 'main'], { cwd: 'bare.git' });
  writeFileSync(sandbox.path('bare.git/objects/pack/tmp_pack_x'), '');
  sandbox.start('sh', ['-c', 'exec 2>&- >&-; sleep 60']);
  const left = await leftovers(sandbox, 'bare.git', 0);
  expect(left).toEqual(['refs/mirror/host/heads/main', 'objects/pack/tmp_pack_x']);
  // The shell starts it in its own time.
  const sleeping = () => sandbox.living().some(({ command }) => command === 'sleep 60');
  expect(await untilNothing(() => (sleeping() ? [] : ['nobody sleeps']))).toEqual([]);
});

test('made-up repositories are sound, the same every time, and of any size', async () => {
  await generateHistory(sandbox, 'again.git', { commits: 120 });
  await expectSameRefs(sandbox, 'again.git', 'served/repo.git', {
    expected: (refs) => refs,
    covers: () => true,
  });
  await addManyRefs(sandbox, 'again.git', 20_000);
  await addCommits(sandbox, 'again.git', 10, { tags: 2 });
  const { stdout } = await sandbox.git(['for-each-ref', '--format=%(refname)'], { cwd: 'again.git' });
  expect(stdout.trim().split('\n')).toHaveLength(20_000 + 4 + 6 + 2);
  await expectClean(sandbox, 'again.git');
});
