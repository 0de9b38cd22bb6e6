import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';

// Groups 1, 3 and 8 of the inputs to survive: URLs that would run something, leak something, or name a site
// that is no name.

let scene: HostileScene;

beforeAll(async () => {
  scene = await setHostileScene();
});

afterAll(() => scene.close());

/** What a command in one of these URLs would make. */
function markers(): string[] {
  const { root } = scene.sandbox;
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('MARKER'));
}

const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

test.each([
  ['ext::sh -c touch% MARKER', /^ext::sh -c touch% MARKER: a URL for another remote helper$/],
  ['EXT::sh -c touch% MARKER', /: a URL for another remote helper$/],
  ['fd::3', /^fd::3: a URL for another remote helper$/],
  ['mirror::mirror::https://x', /^mirror::mirror::https:\/\/x: a URL for another remote helper$/],
  ['--upload-pack=touch MARKER', /^--upload-pack=touch MARKER: the URL looks like an option$/],
  ['-oProxyCommand=touch MARKER:repo', /: the URL looks like an option$/],
  ['ssh://-oProxyCommand=touch MARKER/r', /: strange hostname '-oProxyCommand=touch MARKER' blocked$/],
  ['ssh://me@-oProxyCommand=touch MARKER/r', /: not a host name$/],
  ['git://-oProxyCommand=x/r', /: strange hostname '-oProxyCommand=x' blocked$/],
  ['host:-oProxyCommand=touch MARKER', /: strange pathname '-oProxyCommand=touch MARKER' blocked$/],
  ['ssh://host;touch MARKER/r', /: not a host name$/],
  ['ssh://$(touch MARKER)/r', /: not a host name$/],
  ['ssh://host/`touch MARKER`$(touch MARKER);touch MARKER', /^host: .+$/],
  ['https://h%0ahost=github.com/r', /: control characters in the URL$/],
  ['https://h\nhost=github.com/r', /: control characters in the URL$/],
  ['git://h%0ahost=github.com/r', /: control characters in the URL$/],
  ['https://h\r/r', /: control characters in the URL$/],
  ['https://h/\u001b[31mred', /: control characters in the URL$/],
  ['https://h/\u202egpj.exe', /: control characters in the URL$/],
  ['https://h/%1b[2J', /: control characters in the URL$/],
  ['https:///h', /: no host in the URL$/],
  ['http://', /: no host in the URL$/],
  ['https://h:99999/', /: not a port$/],
  ['https://h:x/', /: not a port$/],
  ['gopher://h/r', /: protocol 'gopher' is not supported$/],
  ['ftp://h/r', /: protocol 'ftp' is not for mirrors$/],
  ['/dev/zero', /^\/dev\/zero: .+$/],
  ['\\\\server\\share', /: .+$/],
  ["/nowhere/';touch MARKER;'$(touch MARKER)`touch MARKER`", /: .+$/],
  ['file:///nowhere/;touch MARKER', /: .+$/],
  ['./-oProxyCommand=touch MARKER', /: .+$/],
  ['/nowhere/at/all', /^\/nowhere\/at\/all: .+$/],
  ['', undefined],
])('%j runs nothing and is passed over', async (url, line) => {
  // Whatever would be run through ssh would show: the ssh in use writes down every call.
  const ssh = scene.sandbox.path('ssh.log');
  const env = { GIT_SSH_COMMAND: `echo called >>'${ssh}'; false` };
  rmSync(ssh, { force: true });
  const outcome = await scene.clone(url, { env });
  await scene.expectPassedOver(outcome, ...(line === undefined ? [] : [line]));
  expect(markers()).toEqual([]);
  expect(existsSync(ssh)).toBe(url.startsWith('ssh://host/`'));
  expect(outcome.stderr).not.toMatch(CONTROL);
});

test.each([
  ['https://user:s3cret@h.example/r', 'https://h.example/r', /a login in the URL/],
  ['https://s3cret@h.example/r', 'https://h.example/r', /a login in the URL/],
  ['https://github.com@evil.example/s3cret@x', 'https://evil.example', /a login in the URL/],
  ['ssh://user:s3cret@h.example/r', 'ssh://user@h.example/r', /a password in the URL/],
  ['git://user:s3cret@h.example/r', 'git://user@h.example/r', /a login in the URL/],
  ['https://user:s3cret@h.example:99999/\u001b[0m', 'https://h.example:99999/?[0m', /control characters/],
  ['ext::ssh://user:s3cret@h.example/r', 'ext::ssh://user@h.example/r', /another remote helper/],
])('%j: nothing of its secret is shown or stored', async (url, shown, reason) => {
  const trace = scene.sandbox.path('trace.log');
  rmSync(trace, { force: true });
  const outcome = await scene.clone(url, { env: { GAM_TRACE: trace } });
  const [line = ''] = outcome.passedOver;
  await scene.expectPassedOver(outcome, reason);
  expect(line.startsWith(shown)).toBe(true);
  const secret = url.includes('/s3cret@') ? 'github.com' : 's3cret';
  expect(outcome.stderr + outcome.stdout + readFileSync(trace, 'utf8')).not.toContain(secret);
  const grep = await scene.sandbox.run('grep', ['-r', secret, outcome.repository], { expectStatus: null });
  expect(grep.stdout).toBe('');
});

test('a token in the query of a mirror URL is not shown', async () => {
  const server = await scene.serve('served');
  const url = `${server.url}/nowhere.git?token=s3cret`;
  const outcome = await scene.clone(url);
  await scene.expectPassedOver(outcome, /^127\.0\.0\.1:[0-9]+: .+/);
  expect(outcome.stderr).not.toContain('s3cret');
});

test.each([
  ['ext::sh -c touch% MARKER', /another remote helper/],
  ['mirror::mirror::https://x', /another remote helper/],
  ['fd::3', /another remote helper/],
  ['-oProxyCommand=touch MARKER:repo', /.+/],
  ['ssh://-oProxyCommand=touch MARKER/r', /strange hostname/],
  ['https://h%0ahost=github.com/r', /.+/],
])('%j as canonical is refused, and runs nothing', async (canonical, words) => {
  const outcome = await scene.clone(scene.canonical, { canonical });
  expect(outcome.status).toBe(128);
  expect(outcome.stderr).toMatch(words);
  expect(markers()).toEqual([]);
  expect(existsSync(scene.sandbox.path(outcome.repository))).toBe(false);
});

test('site names: whatever a host is called, its refs stay under refs/mirror', async () => {
  // Only the names differ, so each leads to the same place, which holds refs of its own.
  const ssh = scene.sandbox.path('any-ssh');
  const command = `#!/bin/sh\n[ "$1" = -G ] && exit\nexec git-upload-pack '${scene.canonical}'\n`;
  await scene.sandbox.run('sh', ['-c', 'cat >"$0" && chmod +x "$0"', ssh], { input: command });
  const env = { GIT_SSH: ssh, GIT_SSH_VARIANT: 'ssh' };
  const hosts = [
    '..',
    'a.lock',
    'CON',
    'heads',
    'x'.repeat(300),
    'UPPER',
    'a..b',
    '@{u}',
    '.hidden',
    'a~1^2:3',
  ];
  for (const host of hosts) {
    const config = { 'gam.sweep': 'never' };
    const outcome = await scene.clone(`ssh://${host}/repo`, { env, config });
    const { stdout } = await scene.sandbox.git(['for-each-ref', '--format=%(refname)'], {
      cwd: outcome.repository,
    });
    const names = stdout.split('\n').filter((name) => !/^refs\/(?:remotes\/origin|tags)\//.test(name));
    const staged = names.filter((name) => name.startsWith('refs/mirror/'));
    // A host that is no host name is refused; any other has a folder of its own.
    if (outcome.passedOver.length === 0) expect(staged.length).toBeGreaterThan(3);
    expect(new Set(staged.map((name) => name.split('/')[2])).size).toBeLessThanOrEqual(1);
    expect(names.filter((name) => name !== '' && !staged.includes(name))).toEqual(['refs/heads/main']);
    await scene.sandbox.git(['for-each-ref', '--format=delete %(refname)', 'refs/mirror'], {
      cwd: outcome.repository,
    });
  }
});

test('two sites that differ by case only have folders of their own', async () => {
  const ssh = { GIT_SSH: scene.sandbox.path('any-ssh'), GIT_SSH_VARIANT: 'ssh' };
  const trace = scene.sandbox.path('sites.log');
  await scene.clone(['/nowhere', 'ssh://HOST/a', 'ssh://host/a'], { env: { ...ssh, GAM_TRACE: trace } });
  const sites = [...readFileSync(trace, 'utf8').matchAll(/ site=(\S+)/g)].map(([, site]) => site);
  expect(sites.find((site) => site?.startsWith('host'))).toMatch(/^host\+[0-9a-f]{7}$/);
});
