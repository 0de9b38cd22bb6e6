import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { type ListServer, listing, naming, offerList } from '../../helpers/list-server.ts';
import { type NamedHosts, startNamedHosts } from '../../helpers/named-hosts.ts';
import { asFetched } from '../../helpers/refs.ts';
import { cloneBare, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// Groups 1 to 7 of the inputs to survive, as entries of a list that a server on the internet sends. Behind them stands a mirror that is
// good: that it is used shows that the list was read, and that it was each entry that was refused.

let sandbox: Sandbox;
let web: NamedHosts;
let canonical: HttpServer;
let mirrors: HttpServer;
let list: ListServer;
let number = 0;

const SECRET = 's3cret';
const CONTROL = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const FAR = 'far.example.com';
const GOOD = 'http://good.example.com/one';
const ALL = ['https://*', 'http://*', 'ssh://*', 'git://*'];

beforeAll(async () => {
  sandbox = makeSandbox();
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/project', { commits: 40, tags: 2 });
  await cloneBare(sandbox, 'served/project', 'mirrors/one');
  const { serverEnv: env } = sandbox;
  canonical = await startHttpServer({ root: sandbox.path('served'), env });
  mirrors = await startHttpServer({ root: sandbox.path('mirrors'), env });
  list = offerList(canonical, sandbox.path('served'), env);
  web = await startNamedHosts();
  await sandbox.run('mkfifo', [sandbox.path('fifo')]);
});

beforeEach(() => {
  number += 1;
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
  web.contacts.length = 0;
  web.hosts.clear();
  web.hosts.set(FAR, canonical.port).set('good.example.com', mirrors.port);
});

afterAll(async () => {
  await web.close();
  await canonical.close();
  await mirrors.close();
  await sandbox.close();
});

/** What would be run for a host that is asked by ssh or git://, writes down that it was. */
function environment(): Record<string, string> {
  const called = `echo called >>'${sandbox.path('called')}'; false`;
  return { ...web.env, GIT_SSH_COMMAND: called, GIT_PROXY_COMMAND: sandbox.path('proxy') };
}

const accepting = (patterns: readonly string[]) =>
  patterns.flatMap((pattern) => ['-c', `gam.acceptMirrorUrl=${pattern}`]);

/** Clones, and finds what plain git would, sound, and nobody asked but who may be. */
async function clone(url = `http://${FAR}/project`, accepted = ALL, config: readonly string[] = []) {
  const to = `clone-${number}`;
  const words = [
    ...accepting(accepted),
    ...config,
    '-c',
    `http.http://${FAR}/.extraHeader=X-Login: ${SECRET}`,
  ];
  const { stderr } = await sandbox.git([...words, 'clone', `mirror::${url}`, to], { env: environment() });
  await expectSameRefs(sandbox, to, 'served/project', asFetched);
  await expectClean(sandbox, to);
  await expectNoChildren(sandbox);
  expect(stderr.replaceAll('\r', '')).not.toMatch(CONTROL);
  expect(existsSync(sandbox.path('called'))).toBe(false);
  expect(readdirSync(sandbox.root, { recursive: true, encoding: 'utf8' }).join()).not.toContain('MARKER');
  for (const { host, headers } of web.contacts)
    if (host !== FAR) expect(JSON.stringify(headers)).not.toContain(SECRET);
  const found = await sandbox.run('grep', ['-r', SECRET, to, 'home/.local/state'], { expectStatus: null });
  expect(found.stdout).toBe('');
  expect(stderr).not.toContain(SECRET);
  const said = stderr.split(/[\r\n]/).filter((line) => line.startsWith('gam: '));
  return { to, said, asked: [...new Set(web.contacts.map(({ host }) => host))] };
}

/** A list of these URLs, the good one last. */
function name(urls: readonly string[]): void {
  const entries = urls.map((url, index) => [`m${index}.url`, url] as const);
  list.answer = listing([...entries, ['good.url', GOOD]]);
}

const GROUPS: Readonly<Record<string, () => string[]>> = {
  'would run something (1)': () => [
    'ext::sh -c touch% MARKER',
    'fd::3',
    'mirror::mirror::https://x',
    '--upload-pack=touch MARKER',
    '-oProxyCommand=touch MARKER:repo',
    'ssh://-oProxyCommand=touch MARKER/r',
    'ssh://$(touch MARKER).example.com/r',
  ],
  'is a file (2)': () => [
    'file:///etc',
    '/etc/passwd',
    '../../x',
    String.raw`\\server\share`,
    String.raw`C:\x`,
    '/dev/zero',
    sandbox.path('fifo'),
    `file://${sandbox.path('fifo')}`,
    sandbox.path('mirrors/one'),
    `file://${sandbox.path('mirrors/one')}`,
    `file://localhost${sandbox.path('mirrors/one')}`,
  ],
  'has a login or a character that is none (3)': () => [
    `https://user:${SECRET}@host.example.com/r`,
    `http://${SECRET}@host.example.com/r`,
    `ssh://git:${SECRET}@host.example.com/r`,
    `https://host.example.com/r?token=${SECRET}`,
    'https://h%0ahost=github.com/r',
    'https://host.example.com/\rr',
    'https://host.example.com/a\nb',
    'https://host.example.com/\u0000',
    'https://host.example.com/\u001b[31mred',
    'https://host.example.com/\u202egpj',
    'https://\u202eh.example.com/r',
  ],
  'is no place (4)': () => [
    'https:///h',
    'http://',
    'https://h:99999/',
    'https://h.example.com:99999/',
    'https://github.com@evil/',
    'https://github.com@evil.example.com/r',
  ],
  'is inside this network (5)': () => [
    'http://169.254.169.254/',
    'http://127.0.0.1:2375/',
    'http://[::ffff:127.0.0.1]/',
    'https://[::1]/r',
    `http://127.0.0.1:${mirrors.port}/one`,
    `http://localhost:${mirrors.port}/one`,
    `http://0x7f000001:${mirrors.port}/one`,
    'http://router/r',
    'ssh://git@10.0.0.1/r',
    'git://192.168.1.1/r',
  ],
};

test.each(Object.keys(GROUPS))('a URL that %s is never asked, and said nothing of', async (group) => {
  name(GROUPS[group]?.() ?? []);
  const { asked, said } = await clone();
  expect(asked.sort()).toEqual([FAR, 'good.example.com']);
  expect(said[0]).toMatch(/^gam: fetching from good\.example\.com/);
  expect(said.filter((line) => line.includes('passing over'))).toEqual([]);
});

test('what a user reads of such lists holds no secret, and nothing that a terminal would obey', async () => {
  const urls = Object.values(GROUPS).flatMap((group) => group());
  const odd = ['\u001b[2J', '\u202eid', 'a\rb', '__proto__', '..', '-x'].map(
    (id) => [`${id}.url`, GOOD + id] as const,
  );
  const places = ['\u001b[2J', '\u202eDE', 'NaN,NaN', '99,999'].map((at, n) => [`p${n}`, at] as const);
  list.answer = listing([
    ...urls.slice(0, 28).map((url, n) => [`u${n}.url`, url] as const),
    ...odd,
    ...places.flatMap(([id, at]) => [
      [`${id}.url`, `http://${id}.example.com/r`] as const,
      [`${id}.location`, at] as const,
    ]),
    ['state', 'moved'],
    ['successor', `https://me:${SECRET}@new.example.com/\u001b[31m\u202er`],
  ]);
  const url = `http://${FAR}/project`;
  const env = environment();
  for (const words of [
    ['mirrors', 'refresh', url],
    ['audit', url],
    ['mirrors', 'list', url],
  ]) {
    const set = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'gam.acceptMirrorUrl',
      GIT_CONFIG_VALUE_0: 'http://*',
    };
    const { stdout, stderr } = await sandbox.run('gam', words, { env: { ...env, ...set } });
    expect(stdout + stderr).not.toMatch(CONTROL);
    expect(stdout + stderr).not.toContain(SECRET);
    expect(stdout).toContain('p0.example.com');
  }
  expect([...new Set(web.contacts.map(({ host }) => host))]).toEqual([FAR]);
});

test('hosts that only look like one that the user accepts are not it (4)', async () => {
  const fakes = [
    'https://github.com.evil.example/r',
    'https://github.com@evil/r',
    'https://github.community/r',
  ];
  name([...fakes, 'https://evil.example/github.com/r', 'https://GITHUB.COM.:444/r']);
  const { asked } = await clone(undefined, ['https://github.com', 'http://good.example.com']);
  expect(asked.sort()).toEqual([FAR, 'good.example.com']);
});

test('one host that is written in three ways is asked once, and canonical is no mirror of its own (4)', async () => {
  const nobody: string[] = [];
  const none: RequestListener = (request, response) => {
    if (request.url?.includes('info/refs')) nobody.push(request.headers.host ?? '');
    response.writeHead(404).end();
  };
  for (const host of ['m.example.com', 'M.EXAMPLE.com', 'm.example.com.']) web.hosts.set(host, none);
  const same = ['m.example.com', 'M.EXAMPLE.com', 'm.example.com.', 'm.example.com:80'];
  const own = [`http://${FAR.toUpperCase()}/project`, `http://${FAR}./project/`, `http://${FAR}:80/project`];
  name([...same.map((host) => `http://${host}/r`), ...own]);
  const { asked, said } = await clone();
  expect(asked.sort()).toEqual([FAR, 'good.example.com', 'm.example.com']);
  expect(nobody).toHaveLength(1);
  expect(said.filter((line) => line.includes('passing over'))).toEqual([
    expect.stringMatching(/^gam: passing over m\.example\.com: /),
  ]);
});

test('an https canonical has no http and no git mirrors unless the user says so (5)', async () => {
  const { key, cert } = await makeCertificate(sandbox);
  const safe = await startHttpServer({
    root: sandbox.path('served'),
    env: sandbox.serverEnv,
    tls: { key, cert },
  });
  const own = offerList(safe, sandbox.path('served'), sandbox.serverEnv);
  own.answer = listing([
    ['a.url', GOOD],
    ['b.url', 'git://good.example.com/one'],
    ['c.url', 'ssh://good.example.com/one'],
  ]);
  web.hosts.set(`${FAR}:443`, safe.port);
  const { asked, said } = await clone(`https://${FAR}/project`, [], ['-c', 'http.sslVerify=false']);
  expect([asked, said, own.asked.length]).toEqual([[`${FAR}:443`], [], 1]);
  await safe.close();
});

const to =
  (Location: string, status = 302): RequestListener =>
  (request, response) => {
    request.resume();
    response.writeHead(status, { Location }).end();
  };
// Greets as the good one does, and leads elsewhere with what is posted.
const postTo =
  (location: string): RequestListener =>
  (request, response) => {
    if (request.method === 'POST') return to(location, 307)(request, response);
    const lines = ['version 2', 'agent=hostile/1', 'ls-refs', 'fetch', 'object-format=sha1'];
    response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-advertisement' });
    const greeting = [
      linePacket('# service=git-upload-pack'),
      FLUSH,
      ...lines.map((line) => linePacket(line)),
      FLUSH,
    ];
    response.end(Buffer.concat(greeting.map(({ raw }) => raw)));
  };

test.each<[string, RequestListener]>([
  ['to another host', to('http://elsewhere.example.com/one/info/refs?service=git-upload-pack')],
  ['to canonical', to(`http://${FAR}/project/info/refs?service=git-upload-pack`, 301)],
  ['inside this network', to('http://127.0.0.1:2375/one/info/refs?service=git-upload-pack', 307)],
  ['to a file', to('file:///etc/passwd')],
  ['in a loop', to('http://m.example.com/r/info/refs?service=git-upload-pack')],
  ['of the POST', postTo('http://elsewhere.example.com/one/git-upload-pack')],
])('a mirror of the list that redirects %s is passed over by one line (6)', async (_, answer) => {
  web.hosts.set('m.example.com', answer);
  // Alone: of one that fails when another has the race won already, nothing is said.
  list.answer = naming('http://m.example.com/r');
  const { asked, said } = await clone();
  expect(asked.sort()).toEqual([FAR, 'm.example.com']);
  expect(said).toEqual([expect.stringMatching(/^gam: passing over m\.example\.com: /)]);
  // None of it went round, and none but canonical's own requests came there.
  expect(web.contacts.filter(({ host }) => host === 'm.example.com').length).toBeLessThanOrEqual(2);
});

test.each([302, 307])('a question for the list that is redirected (%i) leads nowhere (6)', async (status) => {
  list.answer = (_, response) =>
    void response.writeHead(status, { Location: 'http://elsewhere.example.com/x/git-upload-pack' }).end();
  const { asked, said } = await clone();
  expect([asked, said]).toEqual([[FAR], []]);
});

test.each<[string, [string, string][]]>([
  ['priorities of -1, NaN, 1e9, 101', ['-1', 'NaN', '1e9', '101'].map((at, n) => [`m${n}.priority`, at])],
  ['ttl 0', [['ttl', '0']]],
  ['ttl 10^18', [['ttl', '1000000000000000000']]],
  ['ttl -1', [['ttl', '-1']]],
  ['more NaN', [['more', 'NaN']]],
  [
    '__proto__',
    [
      ['__proto__.url', 'https://x.invalid/'],
      ['constructor.prototype.url', 'https://y.invalid/'],
    ],
  ],
])('%s: the list counts, and the rest of it is as if it were not said (7)', async (_, variables) => {
  list.answer = listing([...variables, ['good.url', GOOD], ['good.priority', '1']]);
  const { said } = await clone(undefined, ['http://*']);
  expect(said[0]).toMatch(/^gam: fetching from good\.example\.com/);
  const folder = sandbox.path('home/.local/state/gam/lists');
  const kept = readdirSync(folder).map(
    (file) => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as unknown,
  );
  expect(JSON.stringify(kept)).not.toMatch(/"priority":-|"ttl":(?:0|-|[0-9]{9})/);
});
