import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilNothing } from '../../helpers/bystanders.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { ask } from '../../helpers/raw-request.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// --htpasswd and --tls-*, by stock clients.

let sandbox: Sandbox;
let served: GamServe;
const sha = (password: string) => `{SHA}${createHash('sha1').update(password).digest('base64')}`;
const path = '/repo.git/info/refs?service=git-upload-pack';

const basic = (login: string) => ({ Authorization: `Basic ${Buffer.from(login).toString('base64')}` });
const statusFor = async (login: string | null) =>
  (await ask({ url: served.url, path, ...(login === null ? {} : { headers: basic(login) }) })).status;
const withLogin = (login: string) => served.url.replace('://', `://${login}@`);

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/repo.git', { commits: 20 });
  const { stdout: md5 } = await sandbox.run('openssl', ['passwd', '-apr1', 'm\u00fcd5']);
  const users = [
    '# who may come in',
    `ada:${hashSync('blowfish', 4).replace('$2b$', '$2y$')}`,
    `bea:${md5.trim()}`,
    `cid:${sha('shasha')}`,
  ];
  writeFileSync(sandbox.path('logins'), `${users.join('\n')}\n`);
  served = await gamServe(sandbox, 'served', ['--htpasswd', sandbox.path('logins')]);
});

afterAll(async () => {
  await served.stop();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

test.each(['ada:blowfish', 'bea:m\u00fcd5', 'cid:shasha'])('%s comes in', async (login) => {
  expect(await statusFor(login)).toBe(200);
  // Once more, out of memory.
  expect(await statusFor(login)).toBe(200);
});

test.each([null, 'ada:', 'ada:blowfisch', 'bea:blowfish', 'cid:', 'dot:blowfish', ':', 'ada'])(
  '%s does not',
  async (login) => expect(await statusFor(login)).toBe(401),
);

test('whoever does not is asked for a login, and told nothing of what is there', async () => {
  for (const asked of [path, '/absent.git/HEAD', '/-/metrics']) {
    const { status, headers } = await ask({ url: served.url, path: asked });
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic realm="/)]);
  }
  expect((await ask({ url: served.url, path: '/-/health' })).status).toBe(200);
});

test('the password file of htpasswd(1) itself', async (context) => {
  const made = await sandbox.run('sh', ['-c', 'command -v htpasswd'], { expectStatus: null });
  if (made.status !== 0) context.skip();
  for (const kind of ['-B', '-m', '-s']) {
    const { stdout } = await sandbox.run('htpasswd', ['-nb', kind, `of${kind}`, 'secret']);
    appendFileSync(sandbox.path('logins'), stdout);
    expect(await statusFor(`of${kind}:secret`)).toBe(200);
  }
});

test('git logs in; its user may push, is in the log, and his password is not', async () => {
  await sandbox.git(['clone', '-q', `${withLogin('ada:blowfish')}/repo.git`, 'by-ada']);
  const into = `${withLogin('cid:shasha')}/repo.git`;
  await sandbox.git(['push', '-q', into, 'HEAD:refs/heads/pushed'], { cwd: 'by-ada' });
  await sandbox.git(['rev-parse', '--verify', '-q', 'pushed'], { cwd: 'served/repo.git' });
  await served.logged(/^127\.0\.0\.1 - cid \[.*"POST \/repo\.git\/git-receive-pack HTTP\/1\.1" 200 /m);
  await sandbox.git(['ls-remote', `${withLogin('ada:wrong-secret')}/repo.git`], { expectStatus: 128 });
  const { stderr } = await (await gamServe(sandbox, 'served')).stop();
  expect(stderr).toBe('');
});

test("what the server's own environment says of a user counts for nothing", async () => {
  const server = await gamServe(sandbox, 'served', [], { env: { REMOTE_USER: 'ada', GIT_DIR: '/nowhere' } });
  await sandbox.git(['ls-remote', `${server.url}/repo.git`]);
  const push = ['push', '-q', `${server.url}/repo.git`, 'HEAD:refs/heads/sneaked'];
  const { stderr } = await sandbox.git(push, { cwd: 'by-ada', expectStatus: 128 });
  expect(stderr).toContain('403');
  await server.stop();
});

test('hooks learn who pushes', async () => {
  const hook = sandbox.path('served/repo.git/hooks/post-receive');
  await sandbox.run('mkdir', ['-p', sandbox.path('served/repo.git/hooks')]);
  writeFileSync(hook, `#!/bin/sh\necho "$REMOTE_USER" >${sandbox.path('pusher')}\n`, { mode: 0o755 });
  await sandbox.git(['push', '-q', `${withLogin('ada:blowfish')}/repo.git`, 'HEAD:refs/heads/hooked'], {
    cwd: 'by-ada',
  });
  expect(readFileSync(sandbox.path('pusher'), 'utf8')).toBe('ada\n');
});

test('the file is read again when it has changed; one that is malformed counts as it was', async () => {
  const before = readFileSync(sandbox.path('logins'), 'utf8');
  appendFileSync(sandbox.path('logins'), `new:${sha('comer')}\n`);
  expect(await statusFor('new:comer')).toBe(200);
  writeFileSync(sandbox.path('logins'), 'nonsense\n');
  expect(await statusFor('new:comer')).toBe(200);
  await served.logged(/^gam: .*logins, line 1: that is no <user>:<hash>$/m);
  writeFileSync(sandbox.path('logins'), before);
  expect(await statusFor('new:comer')).toBe(401);
  expect(await statusFor('ada:blowfish')).toBe(200);
});

test('no password is in the log', async () => {
  const { stderr } = await served.stop();
  expect(stderr).toContain(' ada ');
  for (const secret of ['blowfish', 'shasha', 'wrong-secret', 'Basic ']) expect(stderr).not.toContain(secret);
});

describe('https', () => {
  test('is spoken with a certificate, and a client that does not trust it goes away', async () => {
    const { path: cert } = await makeCertificate(sandbox);
    const tls = ['--tls-cert', cert, '--tls-key', sandbox.path('tls.key')];
    const server = await gamServe(sandbox, 'served', tls);
    expect(server.url).toMatch(/^https:/);
    const url = `${server.url}/repo.git`;
    await sandbox.git(['-c', `http.sslCAInfo=${cert}`, 'clone', '-q', url, 'by-https']);
    await sandbox.git(['ls-remote', url], { expectStatus: 128 });
    // One that takes it for plain http does not disturb it.
    await expect(ask({ url: url.replace('https', 'http'), path })).rejects.toThrow();
    await sandbox.git(['-c', `http.sslCAInfo=${cert}`, 'ls-remote', url]);
    expect(await server.stop()).toMatchObject({ status: 0 });
    expect(await untilNothing(() => sandbox.living().filter(({ pid }) => pid === server.pid))).toEqual([]);
  });
});
