import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { delimiter } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Audit, AuditedHost } from '../../../src/check/audited-host.ts';
import { fakeSsh } from '../../helpers/fake-ssh.ts';
import { type HostileScene, type Outcome, setHostileScene } from '../../helpers/hostile-scene.ts';
import type { HttpServer } from '../../helpers/http-server.ts';
import { Connections, listen } from '../../helpers/listening.ts';
import { addCommits, cloneBare } from '../../helpers/repository.ts';

// What the audit says is held against what servers see of the very same fetch, run right after it. Canonical is this machine
// as 127.0.0.1, the mirror is localhost, so that what goes by host tells them apart.

const SECRET = 's3cret';

let scene: HostileScene;
let canonical: HttpServer;
let mirror: HttpServer;
let asking: HttpServer;
/** The mirror's base. */
let open: string;

beforeAll(async () => {
  scene = await setHostileScene();
  await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/mirror.git');
  const traced = (name: string) => ({
    env: { ...scene.sandbox.serverEnv, GIT_TRACE_PACKET: scene.sandbox.path(name) },
  });
  canonical = await scene.serve('served', traced('canonical.trace'));
  asking = await scene.serve('served', { login: { user: 'u', password: SECRET } });
  mirror = await scene.serve('mirrors', traced('mirror.trace'));
  open = mirror.url.replace('127.0.0.1', 'localhost');
});
afterAll(() => scene.close());
beforeEach(() => {
  forget();
  mirror.answer = null;
  rmSync(scene.sandbox.path('home/.netrc'), { force: true });
});

function forget(): void {
  for (const server of [canonical, asking, mirror]) server.requests.length = 0;
  for (const name of ['canonical.trace', 'mirror.trace']) rmSync(scene.sandbox.path(name), { force: true });
}

type Config = Readonly<Record<string, string>>;
type Env = Readonly<Record<string, string>>;

/** git's own way to hand on `git -c`. */
function withConfig(config: Config): Env {
  const pairs = Object.entries(config);
  return Object.fromEntries([
    ['GIT_CONFIG_COUNT', String(pairs.length)],
    ...pairs.flatMap(([key, value], at) => [
      [`GIT_CONFIG_KEY_${at}`, key],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]),
  ]);
}

interface Looked {
  audit: Audit;
  canonical: AuditedHost;
  mirrors: AuditedHost[];
}

/** Audits, as text and as JSON: nothing secret is printed, no line is too long, and nobody is contacted. */
async function audited(args: readonly string[], env: Env, cwd = '.'): Promise<Looked> {
  const before = [canonical, asking, mirror].map(({ bytesIn }) => bytesIn);
  const [text, json] = await Promise.all([
    scene.sandbox.run('gam', ['audit', ...args], { env, cwd }),
    scene.sandbox.run('gam', ['audit', '--json', ...args], { env, cwd }),
  ]);
  for (const { stdout, stderr } of [text, json]) expect(stdout + stderr).not.toContain(SECRET);
  for (const line of text.stdout.split('\n').filter((one) => one.includes(' ', 16)))
    expect(line.length, line).toBeLessThanOrEqual(80);
  expect([canonical, asking, mirror].map(({ bytesIn }) => bytesIn)).toEqual(before);
  const audit = JSON.parse(json.stdout) as Audit;
  const [first, ...mirrors] = audit.hosts;
  return { audit, canonical: first as AuditedHost, mirrors };
}

function url(server: HttpServer): string {
  return `${server.url}/canonical.git`;
}

/** How a clone is made. */
interface Way {
  /** Canonical's URL. */
  from?: string;
  /** The one that is typed, where it is another. */
  given?: string;
  /** The mirror's. */
  at?: string;
  env?: Env;
}

/** A clone right after the audit of the same. */
async function lookedAndCloned(
  config: Config,
  { from = url(canonical), given, at = `${open}/mirror.git`, env = {} }: Way = {},
): Promise<Looked & { outcome: Outcome }> {
  const mirrored = { [`mirror.${from}.url`]: at };
  const named = given ?? from;
  const looked = await audited([named], { ...withConfig({ ...mirrored, ...config }), ...env });
  const outcome = await scene.clone([], { config: { ...mirrored, ...config }, canonical: named, env });
  await scene.expectAsPlain(outcome);
  return { ...looked, outcome };
}

/** Headers and user agent came as they were told. */
function expectHeaders(server: HttpServer, host: AuditedHost): void {
  const seen = new Set(server.requests.flatMap(({ headers }) => Object.keys(headers)));
  const told = new Set(host.headers.map(({ name }) => name.toLowerCase()));
  expect(server.requests.length).toBeGreaterThan(1);
  expect([...seen].filter((name) => !told.has(name))).toEqual([]);
  const always = host.headers.filter((header) => header.always).map(({ name }) => name.toLowerCase());
  expect(always.filter((name) => !seen.has(name))).toEqual([]);
  expect(new Set(server.requests.map(({ headers }) => headers['user-agent']))).toEqual(
    new Set([host.userAgent]),
  );
}

function sources({ credentials }: AuditedHost, kind: string): string[] {
  return credentials.filter((one) => one.kind === kind).map(({ from }) => from);
}

function heard(server: HttpServer): string {
  const basic = Buffer.from(`u:${SECRET}`).toString('base64');
  return JSON.stringify(server.requests.map(({ headers }) => headers)).replaceAll(basic, SECRET);
}

/** A mirror that asks for a login and takes any. */
function askLogin(): void {
  mirror.answer = (asked, response) => {
    if (asked.headers.authorization !== undefined) return false;
    asked.resume();
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="mirror"' }).end();
    return true;
  };
}

const HELPER = `!f() { echo username=u; echo password=${SECRET}; }; f`;

describe('gam audit tells what a web server sees:', () => {
  test('headers, general and scoped, and the user agent', async () => {
    const own = `http.${open}/.extraHeader`;
    const one = await lookedAndCloned(
      {
        'http.extraHeader': `X-General: ${SECRET}`,
        [`http.${canonical.url}.extraHeader`]: `X-Canonical: ${SECRET}`,
        [own]: `X-Own: ${SECRET}`,
        'http.userAgent': 'probe/7',
      },
      { env: { LANGUAGE: 'de' } },
    );
    const [first] = one.mirrors as [AuditedHost];
    expectHeaders(canonical, one.canonical);
    expectHeaders(mirror, first);
    expect(sources(one.canonical, 'header')).toEqual([
      'http.extraHeader',
      `http.${canonical.url}.extraHeader`,
    ]);
    expect(sources(first, 'header')).toEqual([own]);
    expect([one.canonical.userAgent, first.userAgent]).toEqual(['probe/7', 'probe/7']);
    expect(one.canonical.headers.map(({ name }) => name)).toContain('Accept-Language');
  });

  test('a header that an empty value takes back, and one that a better scope keeps out', async () => {
    const one = await lookedAndCloned({
      [`http.${canonical.url}/canonical.git.extraHeader`]: '',
      'http.extraHeader': 'X-Late: 1',
    });
    expectHeaders(canonical, one.canonical);
    expect(sources(one.canonical, 'header')).toEqual([]);
  });

  test('a wildcard scope bars the mirror', async () => {
    const key = `http.http://*:${mirror.port}/.extraHeader`;
    const { mirrors } = await lookedAndCloned({ [key]: `X-Token: ${SECRET}` });
    expect(mirrors[0]).toMatchObject({ state: 'refused', rank: null, headers: [], refs: [], haves: null });
    expect(mirrors[0]?.reason).toContain('meant for other hosts');
    expect(mirror.requests).toEqual([]);
  });

  test('cookies', async () => {
    const jar = scene.sandbox.path('jar');
    const line = (host: string) => `${host}\tFALSE\t/\tFALSE\t0\ttoken\t${SECRET}\n`;
    writeFileSync(jar, `# Netscape HTTP Cookie File\n${line('127.0.0.1')}${line('localhost')}`);
    const one = await lookedAndCloned({ 'http.cookieFile': jar });
    expectHeaders(canonical, one.canonical);
    expectHeaders(mirror, one.mirrors[0] as AuditedHost);
    expect(sources(one.canonical, 'cookie')).toEqual(['http.cookieFile']);
    expect(one.mirrors[0]?.credentials).toEqual([]);
  });

  test.each<[string, () => Config, { canonical: string[]; mirror: string[] }]>([
    [
      'for everybody',
      () => ({ 'credential.helper': HELPER }),
      { canonical: ['credential.helper'], mirror: [] },
    ],
    [
      'for each of the two',
      () => ({
        [`credential.${open}.helper`]: HELPER,
        [`credential.http://127.0.*.1:${asking.port}.helper`]: HELPER,
      }),
      { canonical: ['credential.http://127.0.*.1:PORT.helper'], mirror: ['credential.OPEN.helper'] },
    ],
    [
      'for part of a URL',
      () => ({
        'credential.helper': `!exit 1`,
        [`credential.127.0.0.1:${asking.port}.helper`]: HELPER,
      }),
      { canonical: ['credential.helper', 'credential.helper'], mirror: [] },
    ],
  ])('a credential helper %s', async (_what, config, expected) => {
    askLogin();
    const one = await lookedAndCloned(config(), { from: url(asking) });
    const [first] = one.mirrors as [AuditedHost];
    const plain = (keys: string[]) =>
      keys.map((key) => key.replace(String(asking.port), 'PORT').replace(open, 'OPEN'));
    expect(plain(sources(one.canonical, 'helper'))).toEqual(expected.canonical);
    expect(plain(sources(first, 'helper'))).toEqual(expected.mirror);
    expectHeaders(asking, one.canonical);
    expect(heard(asking)).toContain(SECRET);
    expect(heard(mirror).includes(SECRET)).toBe(expected.mirror.length > 0);
    const told = first.headers.some(({ name }) => name === 'Authorization');
    expect(told).toBe(expected.mirror.length > 0);
  });

  test.each([
    ['of canonical', `machine 127.0.0.1 login u password ${SECRET}\n`, ['machine'], 'ready'],
    ['of anybody', `default login u password ${SECRET}\n`, ['default'], 'refused'],
  ])('.netrc, a login %s', async (_what, text, entries, state) => {
    writeFileSync(scene.sandbox.path('home/.netrc'), text);
    askLogin();
    const one = await lookedAndCloned({}, { from: url(asking) });
    expect(sources(one.canonical, 'netrc')).toEqual(entries.map((entry) => `.netrc (${entry})`));
    expect(one.mirrors[0]).toMatchObject({ state, credentials: [] });
    expect(heard(asking)).toContain(SECRET);
    expect(heard(mirror)).not.toContain(SECRET);
    expect(mirror.requests.length > 0).toBe(state === 'ready');
  });

  test('a login in the URL', async () => {
    askLogin();
    const from = url(asking).replace('://', `://u:${SECRET}@`);
    const one = await lookedAndCloned({}, { from });
    expect(sources(one.canonical, 'url')).toEqual(['URL']);
    expect(one.mirrors[0]).toMatchObject({ state: 'ready', credentials: [] });
    expect(heard(asking)).toContain(SECRET);
    expect(heard(mirror)).not.toContain(SECRET);
  });

  test('insteadOf rewrites canonical, and no mirror', async () => {
    const given = 'https://far.example/canonical.git';
    const config = {
      [`url.${canonical.url}/.insteadOf`]: 'https://far.example/',
      'url.http://127.0.0.1:1/.insteadOf': `${open}/`,
    };
    const one = await lookedAndCloned(config, { given });
    expect(one.canonical).toMatchObject({
      url: url(canonical),
      rewrittenFrom: given,
      addresses: ['127.0.0.1'],
    });
    expect(one.mirrors[0]).toMatchObject({ url: `${open}/mirror.git`, rewrittenFrom: null, addresses: null });
    expectHeaders(canonical, one.canonical);
    expectHeaders(mirror, one.mirrors[0] as AuditedHost);
  });

  test('a proxy, and who goes without it', async () => {
    const through: string[] = [];
    const connections = new Connections();
    const server = createServer((asked, response) => {
      const { method, headers, url: to = '' } = asked;
      through.push(new URL(to).host);
      const onward = request(to, { method: method ?? 'GET', headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      asked.pipe(onward);
    });
    server.on('connection', (socket) => connections.add(socket));
    const proxy = `http://u:${SECRET}@127.0.0.1:${await listen(server)}`;
    scene.add({ close: () => connections.close(server) });
    for (const without of [{}, { [`http.${open}.proxy`]: '' }]) {
      through.length = 0;
      const before = connections.count;
      await audited([url(canonical)], withConfig({ 'http.proxy': proxy, ...without }));
      expect(connections.count).toBe(before);
      const one = await lookedAndCloned({ 'http.proxy': proxy, ...without });
      const told = one.audit.hosts.filter((host) => host.proxy !== null);
      expect(new Set(through)).toEqual(new Set(told.map(({ url: at }) => new URL(at).host)));
      expect(told.length).toBe(Object.keys(without).length > 0 ? 1 : 2);
      expect(one.canonical.proxy).toMatchObject({ from: 'http.proxy', login: true });
    }
  });

  test('a bundle', async () => {
    const { sandbox } = scene;
    const bundle = sandbox.path('mirrors/a.bundle');
    await sandbox.git(['bundle', 'create', '-q', bundle, '--branches', '--tags'], {
      cwd: 'served/canonical.git',
    });
    const files = await scene.serve('mirrors', { speaks: 'dumb' });
    const at = `${files.url}/a.bundle`;
    const config = { 'http.extraHeader': `X-Token: ${SECRET}` };
    const { mirrors } = await lookedAndCloned(config, { at });
    expect(mirrors[0]).toMatchObject({ service: 'bundle', state: 'ready', credentials: [], refs: [] });
    const first = mirrors[0] as AuditedHost;
    files.requests.push(...files.requests);
    expectHeaders(files, first);
    const { mirrors: barred } = await audited([url(canonical)], {
      ...withConfig({ [`mirror.${url(canonical)}.url`]: at, 'http.proxy': 'http://127.0.0.1:1' }),
    });
    expect(barred[0]).toMatchObject({ service: 'bundle', state: 'refused', headers: [] });
  });
});

/** What a server's git was told, out of its trace. */
function toldTo(name: string): { prefixes: string[]; haves: string[] } {
  const text = readFileSync(scene.sandbox.path(name), 'utf8');
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, word]) => word ?? '');
  return {
    prefixes: all(/upload-pack< ref-prefix (\S+)/g),
    haves: all(/upload-pack< have ([0-9a-f]+)/g),
  };
}

describe('gam audit in a repository', () => {
  test('tells the refs that are asked for, and the commits whose ids are told', async () => {
    const { sandbox } = scene;
    const work = await scene.behind();
    await sandbox.git(['remote', 'set-url', 'origin', `mirror::${url(canonical)}`], { cwd: work });
    await sandbox.git(['config', 'remote.origin.mirrorUrl', `${open}/mirror.git`], { cwd: work });
    const { stdout } = await sandbox.git(['commit-tree', '-p', 'HEAD', '-m', 'private', 'HEAD^{tree}'], {
      cwd: work,
    });
    const own = stdout.trim();
    await sandbox.git(['update-ref', 'refs/heads/private', own], { cwd: work });
    const mirrors = scene.sandbox.path('mirrors/mirror.git');
    await sandbox.git(['fetch', '-q', scene.canonical, '+refs/*:refs/*'], { cwd: mirrors });
    await addCommits(sandbox, 'served/canonical.git', 3, { seed: 11 });
    const looked = await audited([], {}, work);
    expect(looked.audit).toMatchObject({ remote: 'origin', throughGam: true });
    const commits = async () => (await sandbox.git(['rev-list', '--all'], { cwd: work })).stdout.split('\n');
    const before = await commits();
    forget();
    await sandbox.git(['-c', 'gam.connectTimeout=20s', 'fetch', '-q'], { cwd: work });
    // Canonical is told, too, what the mirror has just brought.
    const after = await commits();
    for (const [name, host, known] of [
      ['canonical.trace', looked.canonical, after],
      ['mirror.trace', looked.mirrors[0] as AuditedHost, before],
    ] as const) {
      const { prefixes, haves } = toldTo(name);
      expect(prefixes.length).toBeGreaterThan(0);
      expect(prefixes.filter((prefix) => !host.refs.some((ref) => prefix.startsWith(ref)))).toEqual([]);
      // So are commits that exist nowhere but here.
      expect(haves).toContain(own);
      expect(haves.filter((oid) => !known.includes(oid))).toEqual([]);
      expect(host.haves?.refs['refs/heads']).toBe(2);
    }
    const { mirrors: cloned } = await audited([url(canonical).replace('canonical', 'other')], {}, work);
    expect(cloned).toEqual([]);
  });

  test.each<[string, Env, RegExp]>([
    ['GAM_DISABLE', { GAM_DISABLE: '1' }, /GAM_DISABLE/],
    ['protocol.version', withConfig({ 'protocol.version': '0' }), /mirrors need 2/],
  ])('tells that no mirror is asked under %s', async (_what, env, reason) => {
    const { mirrors } = await audited([url(canonical)], {
      ...withConfig({}),
      ...env,
    });
    expect(mirrors).toEqual([]);
    const config = { [`mirror.${url(canonical)}.url`]: `${open}/mirror.git`, 'protocol.version': '2' };
    const both = env['GAM_DISABLE'] ? config : { ...config, 'protocol.version': '0' };
    const off = await audited([url(canonical)], { ...withConfig(both), ...(env['GAM_DISABLE'] ? env : {}) });
    expect(off.mirrors[0]).toMatchObject({ state: 'off', rank: null, headers: [], credentials: [] });
    expect(off.mirrors[0]?.reason).toMatch(reason);
    await scene.clone([], { config: both, canonical: url(canonical), env: env['GAM_DISABLE'] ? env : {} });
    expect(mirror.requests).toEqual([]);
  });

  test('tells that a certificate may be shown, and of no mirror where canonical is closed', async () => {
    const at = 'https://far.example/x.git';
    const settings = { [`mirror.${at}.url`]: 'https://eu.example/x.git', 'http.sslCert': '/nowhere' };
    const shown = await audited([at], withConfig(settings));
    expect(sources(shown.canonical, 'certificate')).toEqual(['http.sslCert']);
    expect(shown.mirrors[0]?.reason).toContain('the client certificate, meant for other hosts');
    const own = { ...settings, 'http.https://eu.example/.sslCert': '/own' };
    const both = await audited([at], withConfig(own));
    expect(sources(both.mirrors[0] as AuditedHost, 'certificate')).toEqual([
      'http.https://eu.example/.sslCert',
    ]);
    const closed = await audited(
      [at],
      withConfig({ ...own, 'protocol.https.allow': 'never', 'protocol.http.allow': 'always' }),
    );
    expect(closed.canonical).toMatchObject({ state: 'refused', credentials: [], headers: [], refs: [] });
    const other = { [`mirror.${at}.url`]: 'http://eu.example/x.git', 'protocol.https.allow': 'never' };
    expect((await audited([at], withConfig(other))).mirrors[0]).toMatchObject({ state: 'off', headers: [] });
  });

  test('shows no login of a proxy, also without a scheme', async () => {
    const shown = await audited(
      ['http://far.example/x.git'],
      withConfig({ 'http.proxy': `u:${SECRET}@proxy:3128` }),
    );
    expect(shown.canonical.proxy).toEqual({ url: 'http://proxy:3128', from: 'http.proxy', login: true });
  });

  test('tells ssh, git and files apart, and starts no ssh', async () => {
    const ssh = fakeSsh(scene.sandbox);
    const env = { ...ssh.env, SSH_AUTH_SOCK: '/nowhere', GIT_PROXY_COMMAND: `p ${SECRET}` };
    const base = 'ssh://git@host.example/x.git';
    const urls = [
      'git://daemon.example/x.git',
      'b@other.example:x',
      scene.canonical,
      'ext::sh -c x',
      `http://u:${SECRET}@h/`,
    ];
    const config = ['config', '--global', '--add', `mirror.${base}.url`];
    for (const one of urls) await scene.sandbox.git([...config, one]);
    const looked = await audited([base], env);
    await scene.sandbox.git(['config', '--global', '--unset-all', `mirror.${base}.url`]);
    expect(looked.canonical).toMatchObject({ transport: 'ssh', host: 'host.example', port: null });
    expect(sources(looked.canonical, 'key')).toEqual(['GIT_SSH_COMMAND']);
    expect(sources(looked.canonical, 'agent')).toEqual(['SSH_AUTH_SOCK']);
    const [daemon, other, file, ext, login] = looked.mirrors;
    expect(daemon).toMatchObject({
      rank: 1,
      port: '9418',
      proxy: { from: 'GIT_PROXY_COMMAND' },
      credentials: [],
    });
    expect(other).toMatchObject({ rank: 2, transport: 'ssh' });
    expect(file).toMatchObject({ rank: 3, transport: 'file', host: null, credentials: [] });
    expect([ext?.state, login?.state]).toEqual(['refused', 'refused']);
    expect(ssh.calls()).toEqual([]);
  });
});

describe('gam audit contacts nobody', () => {
  /** Writes down whatever node connects to or looks up, and each git that is started. */
  function trap(): { env: Env; caught: () => string; commands: () => string[] } {
    const { sandbox } = scene;
    const [log, gits, preload] = ['caught', 'gits', 'trap.cjs'].map((name) => sandbox.path(name)) as [
      string,
      string,
      string,
    ];
    for (const name of [log, gits]) rmSync(name, { force: true });
    writeFileSync(
      preload,
      `const note = (what) => require('node:fs').appendFileSync(${JSON.stringify(log)}, what + '\\n');
       for (const [module, names] of [['net', ['connect', 'createConnection']], ['dns', ['lookup', 'resolve', 'resolve4']]])
         for (const name of names) require(module)[name] = () => { note(module + '.' + name); throw new Error('caught'); };
       require('net').Socket.prototype.connect = () => { note('connect'); throw new Error('caught'); };
       for (const of of [require('dns').promises, require('dns').promises.Resolver.prototype])
         for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) of[name] = () => { note('dns'); throw new Error('caught'); };`,
    );
    const real = process.env['PATH'] ?? '';
    const bin = sandbox.path('trapped');
    const script = `#!/bin/sh\nPATH='${real}'\necho "$*" >>'${gits}'\nexec git "$@"\n`;
    rmSync(bin, { recursive: true, force: true });
    return {
      env: {
        NODE_OPTIONS: `--require ${preload}`,
        PATH: [bin, sandbox.path('bin'), real].join(delimiter),
        SCRIPT: script,
      },
      caught: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
      commands: () => readFileSync(gits, 'utf8').trim().split('\n'),
    };
  }

  test('no connection, no name looked up, and no git that could', async () => {
    const { sandbox } = scene;
    const { env, caught, commands } = trap();
    await sandbox.run(
      'sh',
      ['-c', `mkdir trapped && printf %s "$SCRIPT" >trapped/git && chmod +x trapped/git`],
      {
        env: { SCRIPT: env['SCRIPT'] ?? '' },
      },
    );
    const config = withConfig({
      [`mirror.${url(canonical)}.url`]: `${open}/mirror.git`,
      'mirror.http://far.example/x.git.url': 'https://name.example/x.git',
      'credential.helper': `!touch '${sandbox.path('helped')}'`,
    });
    for (const given of [url(canonical), 'http://far.example/x.git']) {
      const { mirrors } = await audited([given], { ...env, ...config });
      expect(mirrors[0]?.state).toBe('ready');
    }
    expect(caught()).toBe('');
    expect(existsSync(sandbox.path('helped'))).toBe(false);
    const names = commands().map((line) => line.replace(/^(?:-c \S+ |--config-env=\S+ )*/, '').split(' ')[0]);
    expect(
      [...new Set(names)].filter((name) => !['config', 'rev-parse', 'version'].includes(name ?? '')),
    ).toEqual([]);
    // A check does both, so the trap catches.
    await sandbox.run('gam', ['mirrors', 'check', url(canonical)], {
      env: { ...env, ...config },
      expectStatus: null,
    });
    expect(caught()).not.toBe('');
    expect(commands().join('\n')).toContain('ls-remote');
  });
});
