import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeCertificate } from '../../helpers/certificate.ts';
import { type Attempt, type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';
import type { HttpServer } from '../../helpers/http-server.ts';
import { cloneBare } from '../../helpers/repository.ts';

// What canonical is told about us, no mirror may hear. Both are this machine, canonical as 127.0.0.1 and the
// mirror as localhost, so that a secret that goes by host must tell them apart. Every test shows that
// canonical did get the secret: otherwise it could not fail.

const SECRET = 's3cret-of-canonical';
const OWN = 'word-of-the-mirror';

let scene: HostileScene;
let canonical: HttpServer;
let locked: HttpServer;
let mirror: HttpServer;
let open: string;

beforeAll(async () => {
  scene = await setHostileScene();
  await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/mirror.git');
  canonical = await scene.http();
  locked = await scene.serve('served', { login: { user: 'u', password: SECRET } });
  mirror = await scene.serve('mirrors');
  open = mirror.url.replace('127.0.0.1', 'localhost');
});

afterAll(() => scene.close());

beforeEach(async () => {
  for (const server of [canonical, locked, mirror]) server.requests.length = 0;
  mirror.answer = null;
  for (const name of ['home/.netrc', 'asked']) rmSync(scene.sandbox.path(name), { force: true });
});

function url(server: HttpServer): string {
  return `${server.url}/canonical.git`;
}

const basic = Buffer.from(`u:${SECRET}`).toString('base64');

/** Everything that a server was told, as text, with Basic logins in the clear. */
function heard(server: HttpServer): string {
  return server.requests
    .map(({ path, query, headers }) => `${path}?${query} ${JSON.stringify(headers)}`)
    .join('\n')
    .replaceAll(basic, SECRET);
}

/** A mirror that asks everybody to log in, for ever. */
function askLogin(): void {
  mirror.answer = (request, response) => {
    request.resume();
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="mirror"' }).end();
    return true;
  };
}

/** A program that leaves a mark and answers with the secret, whatever it is asked. */
function asker(): string {
  const path = scene.sandbox.path('asker');
  writeFileSync(path, `#!/bin/sh\necho "$*" >>'${scene.sandbox.path('asked')}'\necho '${SECRET}'\n`);
  chmodSync(path, 0o755);
  return path;
}

const header = `X-Token: ${SECRET}`;

test.each<[string, () => Attempt]>([
  ['general, by git -c', () => ({ config: { 'http.extraHeader': header } })],
  [
    'general, by GIT_CONFIG_COUNT',
    () => ({
      env: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.extraHeader', GIT_CONFIG_VALUE_0: header },
    }),
  ],
  ['of canonical, by its very URL', () => ({ config: { [`http.${url(canonical)}.extraHeader`]: header } })],
  ['of canonical, by its host', () => ({ config: { [`http.${canonical.url}/.extraHeader`]: header } })],
])('an extra header, %s: the mirror is used and does not see it', async (_how, attempt) => {
  const outcome = await scene.clone(`${open}/mirror.git`, { ...attempt(), canonical: url(canonical) });
  await scene.expectPassedOver(outcome);
  expect(heard(canonical)).toContain(SECRET);
  expect(mirror.requests.length).toBeGreaterThan(2);
  expect(heard(mirror)).not.toContain(SECRET);
});

test('an extra header in the user configuration, together with one of the mirror', async () => {
  // git takes a general value only before the first of a scope that fits better: an empty one at the end
  // clears nothing then, and the mirror got canonical's header along with its own.
  const { sandbox } = scene;
  const own = `http.${open}/.extraHeader`;
  await sandbox.git(['config', '--global', 'http.extraHeader', header]);
  await sandbox.git(['config', '--global', own, `X-Own: ${OWN}`]);
  const outcome = await scene.clone(`${open}/mirror.git`, { canonical: url(canonical) });
  await sandbox.git(['config', '--global', '--unset', own]);
  await sandbox.git(['config', '--global', '--unset', 'http.extraHeader']);
  await scene.expectPassedOver(outcome);
  expect(heard(canonical)).toContain(SECRET);
  expect(heard(mirror)).not.toContain(SECRET);
  for (const { headers } of mirror.requests) expect(headers['x-own']).toBe(OWN);
});

test('an extra header of the mirror whose URL holds an equals sign', async () => {
  await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/a=b.git');
  const [word, other] = [`X-Own: ${OWN}`, `X-Other: ${SECRET}`];
  const config = {
    'http.extraHeader': header,
    [`http.${open}/a.extraHeader`]: other,
    [`http.${open}/.extraHeader`]: word,
  };
  const outcome = await scene.clone(`${open}/a=b.git`, { config, canonical: url(canonical) });
  await scene.expectPassedOver(outcome);
  expect(heard(mirror)).not.toContain(SECRET);
  for (const { headers } of mirror.requests) expect(headers['x-own']).toBe(OWN);
});

test.each(['http://*:PORT/', 'http://*:PORT', 'HTTP://*:PORT/'])(
  'an extra header for a wildcard scope that takes in the mirror: %s',
  async (scope) => {
    const key = `http.${scope.replace('PORT', String(mirror.port))}.extraHeader`;
    const outcome = await scene.clone(`${open}/mirror.git`, {
      config: { [key]: header },
      canonical: url(canonical),
    });
    await scene.expectPassedOver(outcome, /^localhost:[0-9]+: http\..*\.extraHeader, meant for other hosts/);
    expect(mirror.requests).toEqual([]);
  },
);

test('cookies', async () => {
  const jar = scene.sandbox.path('jar');
  const line = (host: string) => `${host}\tFALSE\t/\tFALSE\t0\ttoken\t${SECRET}\n`;
  writeFileSync(jar, `# Netscape HTTP Cookie File\n${line('127.0.0.1')}${line('localhost')}`);
  const scopes = ['', `.http://*:${mirror.port}/`];
  for (const scope of scopes) {
    mirror.requests.length = 0;
    const config = { 'http.cookieFile': jar, [`http${scope}.cookieFile`]: jar, 'http.saveCookies': 'true' };
    const outcome = await scene.clone(`${open}/mirror.git`, { config, canonical: url(canonical) });
    await scene.expectPassedOver(outcome);
    expect(heard(canonical)).toContain(SECRET);
    expect(mirror.requests.length).toBeGreaterThan(2);
    expect(heard(mirror)).not.toContain(SECRET);
  }
});

test('a cookie that a mirror sets is not stored', async () => {
  const jar = scene.sandbox.path('set-jar');
  writeFileSync(jar, '# Netscape HTTP Cookie File\n');
  mirror.answer = (_request, response) => {
    response.setHeader('Set-Cookie', `mark=${OWN}; Max-Age=9999`);
    return false;
  };
  const config = { 'http.cookieFile': jar, 'http.saveCookies': 'true' };
  await scene.expectPassedOver(
    await scene.clone(`${open}/mirror.git`, { config, canonical: url(canonical) }),
  );
  const { stdout } = await scene.sandbox.run('cat', [jar]);
  expect(stdout).not.toContain(OWN);
});

test.each([
  ['machine 127.0.0.1', 'machine 127.0.0.1 login u password SECRET\n', undefined],
  ['default', 'default login u password SECRET\n', /the default login of \.netrc/],
  [
    'default before the machine of the mirror',
    'default login u password SECRET\nmachine localhost login m password own\n',
    /the default login of \.netrc/,
  ],
])('.netrc: %s', async (_what, text, refused) => {
  writeFileSync(scene.sandbox.path('home/.netrc'), text.replace('SECRET', SECRET));
  askLogin();
  const outcome = await scene.clone(`${open}/mirror.git`, { canonical: url(locked) });
  await scene.expectPassedOver(outcome, refused ?? /^localhost:[0-9]+: could not read Username/);
  expect(heard(locked)).toContain(SECRET);
  expect(mirror.requests.length > 0).toBe(refused === undefined);
  expect(heard(mirror)).not.toContain(SECRET);
});

test.each<[string, (helper: string) => Record<string, string>]>([
  ['for everybody', (helper) => ({ 'credential.helper': helper })],
  ['for canonical', (helper) => ({ [`credential.http://127.0.0.1:${locked.port}.helper`]: helper })],
  [
    'for a wildcard scope that takes in the mirror',
    (helper) => ({
      [`credential.http://*:${mirror.port}.helper`]: helper,
      [`credential.http://127.0.0.*:${locked.port}.helper`]: helper,
    }),
  ],
])('a credential helper %s', async (_what, config) => {
  askLogin();
  const script = `!f() { echo "$1" >>'${scene.sandbox.path('asked')}'; echo username=u; echo password=${SECRET}; }; f`;
  const outcome = await scene.clone(`${open}/mirror.git`, { config: config(script), canonical: url(locked) });
  await scene.expectPassedOver(outcome, /^localhost:[0-9]+: could not read Username for '[^']+'/);
  expect(heard(locked)).toContain(SECRET);
  expect(mirror.requests.length).toBeGreaterThan(0);
  expect(heard(mirror)).not.toContain(SECRET);
});

test('a credential helper that is the mirror’s own is asked, and it alone', async () => {
  const login = Buffer.from(`m:${OWN}`).toString('base64');
  mirror.answer = (request, response) => {
    if (request.headers.authorization === `Basic ${login}`) return false;
    request.resume();
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="mirror"' }).end();
    return true;
  };
  const says = (user: string, word: string) =>
    `!f() { test "$1" = get && echo username=${user} && echo password=${word}; }; f`;
  const config = {
    'credential.helper': says('u', SECRET),
    [`credential.${open}.helper`]: says('m', OWN),
  };
  const outcome = await scene.clone(`${open}/mirror.git`, { config, canonical: url(locked) });
  await scene.expectPassedOver(outcome);
  expect(heard(locked)).toContain(SECRET);
  expect(heard(mirror)).toContain(login);
  expect(heard(mirror)).not.toContain(SECRET);
});

test('the login in canonical’s URL', async () => {
  askLogin();
  const outcome = await scene.clone(`${open}/mirror.git`, {
    canonical: url(locked).replace('://', `://u:${SECRET}@`),
  });
  await scene.expectPassedOver(outcome, /could not read Username/);
  expect(heard(locked)).toContain(SECRET);
  expect(heard(mirror)).not.toContain(SECRET);
  expect(outcome.said.join('\n')).not.toContain(SECRET);
});

test.each<[string, (program: string) => Attempt]>([
  ['GIT_ASKPASS', (program) => ({ env: { GIT_ASKPASS: program } })],
  [
    'SSH_ASKPASS',
    (program) => ({ env: { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':9' } }),
  ],
  ['core.askPass', (program) => ({ config: { 'core.askPass': program } })],
])('%s is not run for a mirror', async (_what, attempt) => {
  askLogin();
  const outcome = await scene.clone(`${open}/mirror.git`, { ...attempt(asker()), canonical: url(canonical) });
  await scene.expectPassedOver(outcome, /could not read Username/);
  expect(mirror.requests.length).toBeGreaterThan(0);
  expect(heard(mirror)).not.toContain(SECRET);
  expect(existsSync(scene.sandbox.path('asked'))).toBe(false);
  // It would have been run: canonical asks by it.
  const plain = await scene.clone([], {
    ...attempt(asker()),
    canonical: `http://${SECRET}@${locked.url.slice(7)}`,
  });
  expect(plain.status).toBe(128);
  expect(existsSync(scene.sandbox.path('asked'))).toBe(true);
});

test('a client certificate is shown to canonical only', async () => {
  const { sandbox } = scene;
  const { key, cert, path } = await makeCertificate(sandbox);
  const secure = await scene.serve('mirrors', { tls: { key, cert } });
  const config = {
    'http.sslCAInfo': path,
    'http.sslCert': path,
    'http.sslKey': sandbox.path('tls.key'),
  };
  const address = secure.url.replace('127.0.0.1', 'localhost');
  const outcome = await scene.clone(`${address}/mirror.git`, { config });
  await scene.expectPassedOver(outcome, /^localhost:[0-9]+: the client certificate, meant for other hosts,/);
  expect(secure.requests).toEqual([]);
  // One that is meant for just this host may be shown.
  const scoped = {
    'http.sslCAInfo': path,
    [`http.${address}/.sslCert`]: path,
    [`http.${address}/.sslKey`]: sandbox.path('tls.key'),
  };
  await scene.expectPassedOver(await scene.clone(`${address}/mirror.git`, { config: scoped }));
  expect(secure.requests.length).toBeGreaterThan(2);
});

test('a token in the environment of git reaches no ssh mirror', async () => {
  const seen = scene.sandbox.path('ssh-env');
  const env = {
    GIT_SSH_COMMAND: `env >>'${seen}'; false`,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: header,
  };
  const outcome = await scene.clone('ssh://host.example/repo', {
    env,
    config: { 'http.extraHeader': header },
  });
  await scene.expectPassedOver(outcome, /^host\.example: /);
  const { stdout } = await scene.sandbox.run('cat', [seen]);
  expect(stdout).not.toContain('GIT_CONFIG_PARAMETERS');
});
