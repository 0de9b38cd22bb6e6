import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import type { WebUrl } from '../../../src/protocol/git-url.ts';
import { parseGitUrl } from '../../../src/protocol/git-url.ts';
import { credentialRefusal, mirrorEnvironment, webMirrorConfig } from '../../../src/transport/wall.ts';

function web(url: string): WebUrl {
  return parseGitUrl(url) as WebUrl;
}

function entries(...pairs: readonly (readonly [string, string])[]) {
  return parseConfigList(pairs.map(([key, value]) => `${key}\n${value}\0`).join(''));
}

function home(netrc: string): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'gam-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, '.netrc'), netrc);
  return { HOME: folder };
}

const EMPTY = { HOME: '/nowhere' };
const MIRROR = 'https://mirror.example.com/r.git';

test.each([
  ['https://*.example.com/', true],
  ['https://*.example.com', true],
  ['https://*.*.com:443/', true],
  ['HTTPS://*.EXAMPLE.com/', true],
  ['https://user@*.example.com/', true],
  ['https://mirror.*.com/some/path', true],
  ['https://mirror.example.com/', false],
  ['https://mirror.example.com:443/other', false],
  ['https://Mirror.Example.com', false],
  ['https://git.example.com/', false],
  ['https://*.com/', false],
  ['https://*.*.*.com/', false],
  ['http://*.example.com/', false],
  ['https://*.example.com:8443/', false],
  ['https://mirrorXexample.com/', false],
  ['https://mirror.example.com.evil/', false],
  ['nonsense', false],
])('a header scoped to %s is a stray one: %s', (scope, stray) => {
  const refusal = credentialRefusal(web(MIRROR), entries([`http.${scope}.extraHeader`, 'X: y']), EMPTY);
  expect(refusal !== null).toBe(stray);
  if (refusal !== null) expect(refusal).not.toContain('X: y');
});

test.each([
  ['machine git.example.com login u password p\n', null],
  ['machine mirror.example.com login u password p\ndefault login d password p\n', null],
  ['machine MIRROR.example.com login u password p default login d password p\n', null],
  ['default login d password p\n', 'default'],
  ['machine git.example.com login u password p\n\tdefault\tlogin d\n', 'default'],
  ['default login d password p\nmachine mirror.example.com login u password p\n', 'default'],
  ['macdef init\ndefault anything\n\nmachine git.example.com login u password p\n', null],
])('.netrc %j', (text, refused) => {
  const refusal = credentialRefusal(web(MIRROR), [], home(text));
  if (refused === null) expect(refusal).toBeNull();
  else expect(refusal).toContain(refused);
});

test.each([
  [[['http.sslCert', '/c']], MIRROR, true],
  [[['http.https://*.example.com/.sslCert', '/c']], MIRROR, true],
  [[['http.sslCert', '/c']], 'http://mirror.example.com/r', false],
  [[['http.sslCert', '']], MIRROR, false],
  [[['http.https://git.example.com/.sslCert', '/c']], MIRROR, false],
  [
    [
      ['http.sslCert', '/c'],
      ['http.https://mirror.example.com/.sslCert', '/own'],
    ],
    MIRROR,
    false,
  ],
] as [[string, string][], string, boolean][])('a client certificate %j towards %s', (config, url, shown) => {
  const refusal = credentialRefusal(web(url), entries(...config), EMPTY);
  expect(refusal !== null).toBe(shown);
});

test('a certificate of the environment goes to everybody', () => {
  expect(credentialRefusal(web(MIRROR), [], { ...EMPTY, GIT_SSL_CERT: '/c' })).toContain('certificate');
});

/** What git is told about one key, in order; the value of `--config-env` comes from the environment. */
function told(url: string, config: ReturnType<typeof entries>): [string, string][] {
  const { args, env } = webMirrorConfig(web(url), config);
  const settings: [string, string][] = [];
  for (const [index, arg] of args.entries()) {
    if (arg.startsWith('--config-env=')) {
      const equals = arg.lastIndexOf('=');
      settings.push([arg.slice('--config-env='.length, equals), env[arg.slice(equals + 1)] ?? 'missing']);
    } else if (args[index - 1] === '-c') {
      settings.push([arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]);
    } else expect(arg).toBe('-c');
  }
  return settings;
}

test('everything that may carry a secret is off, in general and for the very URL', () => {
  for (const url of [MIRROR, 'https://mirror.example.com/a=b/r.git', 'http://[::1]:8080/r']) {
    const settings = told(url, []);
    for (const name of ['extraHeader', 'cookieFile']) {
      expect(settings).toContainEqual([`http.${name}`, '']);
      expect(settings).toContainEqual([`http.${url}.${name}`, '']);
    }
    expect(settings).toContainEqual(['http.followRedirects', 'false']);
    expect(settings).toContainEqual([`http.${url}.followRedirects`, 'false']);
    expect(settings).toContainEqual(['credential.helper', '']);
    expect(settings).toContainEqual(['core.askPass', '']);
  }
});

test('only what is scoped to exactly this host is told again, after the rest is off, and not in arguments', () => {
  const config = entries(
    ['http.extraHeader', 'X: general'],
    ['http.https://git.example.com.extraHeader', 'X: other'],
    ['http.https://mirror.example.com/r.git.extraHeader', 'X: path'],
    ['http.https://mirror.example.com/.extraHeader', 'X: own'],
    ['credential.helper', 'general'],
    ['credential.https://*.example.com.helper', 'wild'],
    ['credential.https://mirror.example.com.helper', 'own'],
    ['credential.https://mirror.example.com:8443.helper', 'port'],
  );
  const settings = told(MIRROR, config);
  const headers = settings.filter(([key]) => /^http\..+\.extraHeader$/.test(key));
  expect(headers).toEqual([
    ['http.https://mirror.example.com/.extraHeader', ''],
    ['http.https://mirror.example.com/.extraHeader', 'X: own'],
    ['http.https://mirror.example.com/r.git.extraHeader', ''],
    ['http.https://mirror.example.com/r.git.extraHeader', 'X: path'],
  ]);
  const helpers = settings.filter(([key]) => key.startsWith('credential.'));
  expect(helpers).toEqual([
    ['credential.helper', ''],
    ['credential.https://mirror.example.com.helper', 'own'],
  ]);
  expect(webMirrorConfig(web(MIRROR), config).args.join(' ')).not.toMatch(/X: |=own/);
});

test('no secret that is written for others is ever told, whatever its scope', () => {
  const host = fc.constantFrom('git.example.com', '*.example.com', '*', 'mirror.example.com:8443', 'evil');
  const scope = fc.tuple(fc.constantFrom('http', 'https'), host).map(([scheme, h]) => `${scheme}://${h}/`);
  const key = fc.oneof(
    fc.constantFrom('http.extraHeader', 'credential.helper'),
    scope.map((s) => `http.${s}.extraHeader`),
    scope.map((s) => `credential.${s}.helper`),
  );
  fc.assert(
    fc.property(fc.array(key), (keys) => {
      const { args, env } = webMirrorConfig(
        web(MIRROR),
        entries(...keys.map((one): [string, string] => [one, 's3cret'])),
      );
      expect(JSON.stringify([args, env])).not.toContain('s3cret');
    }),
  );
});

test('the environment of a mirror asks nobody and overrules the user’s', () => {
  const env = mirrorEnvironment({
    GIT_ASKPASS: '/ask',
    SSH_ASKPASS: '/ask',
    GIT_TERMINAL_PROMPT: '1',
    PATH: '/bin',
  });
  expect(env).toMatchObject({
    PATH: '/bin',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_PROTOCOL_FROM_USER: '0',
  });
});
