import { chmodSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../helpers/certificate.ts';
import { expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { gamServe } from '../../helpers/gam-serve.ts';
import { ask, fetchRequest } from '../../helpers/raw-request.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// What an administrator sees: the log, the metrics, and what is wrong before anything starts; and many clients at once.

let sandbox: Sandbox;
let tip: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/repo.git', { commits: 20 });
  tip = (await sandbox.git(['rev-parse', 'main'], { cwd: 'served/repo.git' })).stdout.trim();
});

afterAll(async () => {
  await expectNoChildren(sandbox);
  await sandbox.close();
});

const TIME = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;

test('the log has a line for each request, in the common log format with some words more', async () => {
  const server = await gamServe(sandbox, 'served');
  const config = ['-c', 'protocol.version=2'];
  await sandbox.git([...config, 'clone', '-q', `${server.url}/repo.git`, 'logged']);
  await ask({ url: server.url, path: '/absent.git/HEAD?token=secret"%0a' });
  const { stderr } = await server.stop();
  const lines = stderr.trimEnd().split('\n');
  const head = (user: string) => `^127\\.0\\.0\\.1 - ${user} ${TIME}`;
  const expected = [
    `${head('-')} "GET /repo\\.git/info/refs\\?service=git-upload-pack HTTP/1\\.1" 200 \\d+ service=upload-pack protocol=2 in=0 ms=\\d+$`,
    `${head('-')} "POST /repo\\.git/git-upload-pack HTTP/1\\.1" 200 \\d+ service=upload-pack protocol=2 in=\\d{2,} ms=\\d+$`,
    `${head('-')} "POST /repo\\.git/git-upload-pack HTTP/1\\.1" 200 \\d{4,} service=upload-pack protocol=2 in=\\d{2,} ms=\\d+$`,
    `${head('-')} "GET /absent\\.git/HEAD\\?\\.\\.\\. HTTP/1\\.1" 404 0 service=file protocol=- in=0 ms=\\d+ reason="no repository there"$`,
  ];
  expect(lines).toHaveLength(expected.length);
  for (const [index, line] of lines.entries()) expect(line).toMatch(new RegExp(expected[index] ?? ''));
});

test('with -q there is no log, and still the line that says where', async () => {
  const server = await gamServe(sandbox, 'served', ['-q']);
  await ask({ url: server.url, path: '/absent.git/HEAD' });
  expect(await server.stop()).toMatchObject({
    status: 0,
    stdout: `listening on ${server.url}/\n`,
    stderr: '',
  });
});

test('metrics count requests, bytes and time', async () => {
  const server = await gamServe(sandbox, 'served');
  const { body, status } = await ask({ url: server.url, ...fetchRequest('/repo.git', tip) });
  expect(status).toBe(200);
  await ask({ url: server.url, path: '/absent.git/HEAD' });
  const metrics = await ask({ url: server.url, path: '/-/metrics' });
  expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = metrics.body.toString();
  const value = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  const upload = '{service="upload-pack"}';
  expect(value('gam_http_requests_total{service="upload-pack",status="200"}')).toBe(1);
  expect(value('gam_http_requests_total{service="file",status="404"}')).toBe(1);
  expect(value(`gam_http_request_bytes_total${upload}`)).toBe(
    String(fetchRequest('/repo.git', tip).body).length,
  );
  expect(value(`gam_http_response_bytes_total${upload}`)).toBe(body.length);
  expect(value(`gam_http_request_duration_seconds_count${upload}`)).toBe(1);
  expect([value('gam_git_running'), value('gam_git_waiting')]).toEqual([0, 0]);
  expect(text).not.toContain('repo.git');
  await server.stop();
});

describe('what is wrong is told before anything starts:', () => {
  const fails = async (...args: string[]) => {
    const { status, stdout, stderr } = await sandbox.run('gam', ['serve', ...args], { expectStatus: null });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^(?:gam: \S.*\n){1,2}$/);
    return { status, stderr };
  };
  const any = ['--listen', '127.0.0.1:0'];

  test('a root that does not exist, and one that is no folder', async () => {
    const absent = await fails(...any, sandbox.path('absent'));
    expect(absent).toEqual({
      status: 1,
      stderr: expect.stringMatching(/cannot serve .*absent: no such file or directory\ngam: name a/),
    });
    writeFileSync(sandbox.path('file'), '');
    expect((await fails(...any, sandbox.path('file'))).stderr).toContain('it is no folder');
  });

  test('a port that is taken, and what is no address', async () => {
    const server = await gamServe(sandbox, 'served');
    const taken = await fails('--listen', `127.0.0.1:${server.port}`, 'served');
    expect(taken.status).toBe(1);
    expect(taken.stderr).toContain(`cannot listen on http://127.0.0.1:${server.port}/: the port is taken\n`);
    await server.stop();
    const foreign = await fails('--listen', '192.0.2.1:8080', 'served');
    expect(foreign.stderr).toMatch(
      /^gam: cannot listen on http:\/\/192\.0\.2\.1:8080\/: address not available\n/,
    );
    for (const address of ['127.0.0.1:99999', 'http://x', 'a b', '', ':'])
      expect(await fails('--listen', address, 'served')).toMatchObject({ status: 2 });
  });

  test('a key that is none, or not there, or without its certificate', async () => {
    const [key, cert] = [sandbox.path('key'), sandbox.path('cert')];
    const tls = ['--tls-key', key, '--tls-cert', cert];
    expect((await fails(...any, ...tls, 'served')).stderr).toContain(
      'cannot read what --tls-key names: no such file or directory',
    );
    for (const file of [key, cert]) writeFileSync(file, 'nonsense');
    expect((await fails(...any, ...tls, 'served')).stderr).toContain(`${key} and ${cert} cannot be used: `);
    expect(await fails(...any, '--tls-key', key, 'served')).toMatchObject({ status: 2 });
    const { path } = await makeCertificate(sandbox);
    await sandbox.run('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', key]);
    const other = await fails(...any, '--tls-key', key, '--tls-cert', path, 'served');
    // Also one of another kind, which OpenSSL itself takes; and it says the same in words of its own of one of the same kind.
    expect(other.stderr).toMatch(/ cannot be used: key values mismatch\ngam: they must be a private key/);
  });

  test('a certificate whose time is over, which is used all the same', async () => {
    const [key, cert] = [sandbox.path('tls.key'), sandbox.path('old.crt')];
    await makeCertificate(sandbox);
    const request = ['req', '-new', '-key', key, '-subj', '/CN=localhost', '-out', sandbox.path('old.csr')];
    await sandbox.run('openssl', request);
    const signed = [
      'x509',
      '-req',
      '-in',
      sandbox.path('old.csr'),
      '-signkey',
      key,
      '-days',
      '-1',
      '-out',
      cert,
    ];
    await sandbox.run('openssl', signed);
    const server = await gamServe(sandbox, 'served', ['--tls-key', key, '--tls-cert', cert]);
    await server.logged(
      /^gam: the certificate in .*old\.crt has expired: it was good until .*; clients will refuse it$/m,
    );
    expect(await server.stop()).toMatchObject({ status: 0 });
  });

  test('logins that are malformed, or hashed in a way that is not checked', async () => {
    const file = sandbox.path('logins');
    const wrong = async (text: string) => {
      writeFileSync(file, text);
      return (await fails(...any, '--htpasswd', file, 'served')).stderr;
    };
    expect(await wrong('\nada\n')).toContain('logins, line 2: that is no <user>:<hash>\n');
    const crypt = await wrong('ada:rqXexS6ZhobKA\n');
    expect(crypt).toContain('line 1: the password of ada is not hashed by bcrypt, apr1 or SHA\n');
    expect(crypt).not.toContain('rqXexS6ZhobKA');
    const none = sandbox.path('none');
    expect((await fails(...any, '--htpasswd', none, 'served')).stderr).toBe(
      `gam: cannot read ${none}, the file of logins: no such file or directory\n` +
        'gam: name a file that htpasswd has written\n',
    );
  });

  test('a git without http-backend', async () => {
    writeFileSync(sandbox.path('bin/git'), '#!/bin/sh\necho /nowhere\n');
    chmodSync(sandbox.path('bin/git'), 0o755);
    const { stderr } = await fails(...any, 'served');
    await sandbox.run('rm', [sandbox.path('bin/git')]);
    expect(stderr).toContain('git has no http-backend in /nowhere\ngam: install it');
  });
});

test('200 clones at the same time, without an error and without a process that is left', async () => {
  const server = await gamServe(sandbox, 'served');
  const raw = Array.from({ length: 180 }, async () => {
    const path = '/repo.git/info/refs?service=git-upload-pack';
    const greeting = await ask({ url: server.url, path, headers: { 'Git-Protocol': 'version=2' } });
    const pack = await ask({ url: server.url, ...fetchRequest('/repo.git', tip) });
    return [greeting.status, pack.status, pack.body.subarray(-4).toString()];
  });
  const clones = Array.from({ length: 20 }, (_, index) =>
    sandbox.git(['clone', '-q', `${server.url}/repo.git`, `clone-${index}`]),
  );
  const [answers] = await Promise.all([Promise.all(raw), Promise.all(clones)]);
  expect(answers.filter((answer) => answer.join() !== '200,200,0000')).toEqual([]);
  await expectSameRefs(sandbox, 'clone-19', 'served/repo.git');
  const { body } = await ask({ url: server.url, path: '/-/metrics' });
  expect(body.toString()).toMatch(/^gam_git_running 0$/m);
  const { status, stderr } = await server.stop();
  expect(status).toBe(0);
  expect(stderr.split('\n').filter((line) => / HTTP\/1\.1" (?!200 )/.test(line))).toEqual([]);
  await expectNoChildren(sandbox);
});

test('it serves the current folder where none is named', async () => {
  const running = sandbox.start('gam', ['serve', '--listen', ':0'], { cwd: 'served' });
  const [, url = ''] = await running.saw('stdout', /^listening on (http:\/\/127\.0\.0\.1:\d+)\/\n$/);
  await sandbox.git(['ls-remote', `${url}/repo.git`]);
  running.child.kill('SIGTERM');
  expect(await running.ended).toMatchObject({ status: 0 });
});
