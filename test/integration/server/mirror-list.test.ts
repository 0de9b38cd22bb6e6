import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gitVersion, isAtLeast } from '../../../src/git/version.ts';
import { linePacket } from '../../../src/pkt-line/encode.ts';
import { parseMirrorListJson } from '../../../src/protocol/mirror-list-json.ts';
import { askList, greetingOf, listIn, listRequest, postUploadPack } from '../../helpers/ask-list.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { startHttpServer } from '../../helpers/http-server.ts';
import { ask, begin, type RawAnswer } from '../../helpers/raw-request.ts';
import { cloneBare, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// gam serve tells the mirrors of a repository, to clients that ask, and changes nothing for others.

let sandbox: Sandbox;
let server: GamServe;
let hasSha256: boolean;

async function configure(name: string, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(values))
    await sandbox.git(['config', key, value], { cwd: `served/${name}` });
}

// Written at once: a process for each of a thousand would take a minute.
function listMany(name: string, count: number): void {
  const lines = Array.from(
    { length: count },
    (_, n) => `[mirrorList "m${n}"]\n\turl = https://m${n}.example/r\n`,
  );
  appendFileSync(sandbox.path(`served/${name}/config`), lines.join(''));
}

const at = (name: string, headers: Record<string, string> = {}) => ({
  url: server.url,
  path: `/${name}`,
  headers,
});

// git dies of some requests, and then the answer breaks off.
const outcome = (answer: Promise<RawAnswer>): Promise<string> =>
  answer.then(
    ({ status, body }) => `${status} ${body.toString()}`,
    (error: Error) => error.message,
  );

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/told.git', { commits: 60, tags: 2 });
  for (const name of ['silent', 'empty', 'many', 'places', 'changing', 'closed', 'included'])
    await cloneBare(sandbox, 'served/told.git', `served/${name}.git`);
  hasSha256 = isAtLeast(await gitVersion({ env: sandbox.env, cwd: sandbox.root }), '2.29');
  if (hasSha256) await generateHistory(sandbox, 'served/sha256.git', { commits: 3, objectFormat: 'sha256' });
  const eu = { 'mirrorList.enabled': 'true', 'mirrorList.eu.url': 'https://eu.example/r.git' };
  await configure('told.git', {
    ...eu,
    'mirrorList.canonical': 'https://here.example/r.git',
    'mirrorList.eu.location': 'DE',
    'mirrorList.us.url': 'https://us.example/r.git',
    'mirrorList.us.priority': '7',
    'mirrorList.ttl': '60m',
    'mirrorList.prefer': 'permanent',
  });
  await configure('silent.git', { ...eu, 'mirrorList.enabled': 'false' });
  if (hasSha256) await configure('sha256.git', eu);
  await configure('empty.git', { 'mirrorList.enabled': 'true' });
  await configure('changing.git', eu);
  await configure('closed.git', { ...eu, 'http.uploadpack': 'false' });
  await configure('many.git', { 'mirrorList.enabled': 'true', 'mirrorList.limit': '1000' });
  listMany('many.git', 1000);
  await configure('places.git', {
    'mirrorList.enabled': 'true',
    'mirrorList.policy': 'geoip',
    'mirrorList.de.url': 'https://de.example/r.git',
    'mirrorList.de.location': 'DE',
    'mirrorList.jp.url': 'https://jp.example/r.git',
    'mirrorList.jp.location': 'JP',
    'mirrorList.us.url': 'https://us.example/r.git',
    'mirrorList.us.location': 'US',
  });
  server = await gamServe(sandbox, 'served', ['--trusted-proxy', '127.0.0.1']);
});

afterAll(async () => {
  await server.stop();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

const TOLD = {
  canonical: ['https://here.example/r.git'],
  mirrors: [
    { id: 'us', url: 'https://us.example/r.git', location: null, priority: 7 },
    {
      id: 'eu',
      url: 'https://eu.example/r.git',
      location: expect.objectContaining({ country: 'DE' }),
      priority: null,
    },
  ],
  more: 0,
  prefer: 'permanent',
  ttl: 3600,
  state: 'current',
  successor: null,
  stale: null,
};

describe('a list', () => {
  test('is offered where it is enabled, to clients of protocol v2, and told to who asks', async () => {
    expect(await greetingOf(at('told.git'))).toContain('mirror-list');
    expect(await greetingOf(at('silent.git'))).not.toContain('mirror-list');
    expect(await askList(at('told.git'))).toEqual(TOLD);
  });

  test.each([
    ['empty.git', 0],
    ['places.git', 3],
    ['many.git', 1000],
  ])('of %s has %i entries', async (name, count) => {
    const list = await askList(at(name));
    expect(list.mirrors).toHaveLength(count);
    expect(new Set(list.mirrors.map(({ url }) => url)).size).toBe(count);
  });

  test('comes page by page', async () => {
    expect(await askList(at('many.git'), { skip: 990 })).toMatchObject({ more: 0, mirrors: { length: 10 } });
  });

  test('is about the URL that is asked for', async () => {
    const list = await askList(at('told.git'), { url: 'https://here.example/r.git/' });
    expect(list.canonical).toEqual(['https://here.example/r.git/']);
    // It has that itself, and whoever asks so has found a mirror.
    expect(list.mirrors.map(({ url }) => url)).toEqual([
      `${server.url}/told.git`,
      'https://us.example/r.git',
      'https://eu.example/r.git',
    ]);
    const own = await askList(at('told.git', { Host: 'here.example', 'X-Forwarded-Proto': 'https' }), {
      url: 'https://here.example/told',
    });
    expect(own.mirrors).toEqual([]);
    const other = await askList(at('told.git'), { url: 'https://elsewhere.example/' });
    expect(other).toMatchObject({ canonical: ['https://here.example/r.git'], mirrors: [] });
  });

  test.each([
    ['gzip', gzipSync(listRequest()), { 'Content-Encoding': 'gzip' }],
    [
      'x-gzip in chunks',
      gzipSync(listRequest()),
      { 'Content-Encoding': 'x-gzip', 'Transfer-Encoding': 'chunked' },
    ],
    ['chunks', listRequest(), { 'Transfer-Encoding': 'chunked' }],
  ])('is told to a request in %s', async (_, body, headers) => {
    const answer = await postUploadPack(at('told.git', headers), body);
    expect([answer.status, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([
      200,
      'application/x-git-upload-pack-result',
      'no-cache, max-age=0, must-revalidate',
    ]);
    expect(listIn(answer)).toEqual(TOLD);
  });

  test.each([
    ['plain', listRequest(), {}],
    [
      'compressed',
      gzipSync(listRequest({ url: `https://${'long'.repeat(300)}/` })),
      { 'Content-Encoding': 'gzip' },
    ],
  ])('is told to a request that comes byte by byte, %s', async (_, body, headers) => {
    const { sent, answer } = begin({
      url: server.url,
      path: '/told.git/git-upload-pack',
      method: 'POST',
      headers: {
        'Git-Protocol': 'version=2',
        'Content-Type': 'application/x-git-upload-pack-request',
        ...headers,
      },
    });
    for (const byte of body) await new Promise((resolve) => sent.write(Buffer.of(byte), resolve));
    sent.end();
    const message = await answer;
    expect(listIn({ body: Buffer.concat(await message.toArray()) }).canonical).toEqual(TOLD.canonical);
  });

  test('is refused in the words of git where a request cannot be', async () => {
    const { status, body } = await postUploadPack(
      at('told.git'),
      Buffer.concat([
        linePacket('command=mirror-list').raw,
        Buffer.from('0001'),
        linePacket('skip=-1').raw,
        Buffer.from('0000'),
      ]),
    );
    expect([status, body.toString()]).toEqual([
      200,
      expect.stringMatching(/^[0-9a-f]{4}ERR mirror-list: skip is no number: '-1'\n$/),
    ]);
    if (!hasSha256) return;
    const other = await postUploadPack(at('sha256.git'), listRequest());
    expect(other.body.toString()).toContain('ERR mismatched object format: server sha256; client sha1');
    expect(listIn(await postUploadPack(at('sha256.git'), listRequest({}, 'sha256'))).mirrors).toHaveLength(1);
  });

  test.each([
    ['cut off', listRequest().subarray(0, -6), {}],
    ['no gzip', listRequest(), { 'Content-Encoding': 'gzip' }],
    ['empty', '', {}],
    ['no packets', 'hello, world', {}],
  ])('is not told to what is no request, %s: that is for git', async (_, body, headers) => {
    const [ours, theirs] = [
      await outcome(postUploadPack(at('told.git', headers), body)),
      await outcome(postUploadPack(at('silent.git', headers), body)),
    ];
    expect(ours).toEqual(theirs);
    expect(ours).not.toContain('mirror.');
  });

  test('is not told in older protocols, nor where clones are refused', async () => {
    const v0 = await ask({
      ...at('told.git'),
      path: '/told.git/info/refs?service=git-upload-pack',
      headers: {},
    });
    expect(v0.body.toString()).not.toContain('mirror-list');
    const post = outcome(postUploadPack(at('told.git', { 'Git-Protocol': 'version=1' }), listRequest()));
    expect(await post).not.toContain('mirror.version');
    expect((await postUploadPack(at('closed.git'), listRequest())).status).toBe(403);
    expect((await ask({ ...at('closed.git'), path: '/closed.git/info/mirrors' })).status).toBe(404);
  });

  test('is told without a process, as long as the configuration is what it was', async () => {
    await askList(at('changing.git'));
    // Whatever is started from now on is seen: there is no git any more for those who look for it.
    const own = await gamServe(sandbox, 'served', [], {
      env: { PATH: `${sandbox.path('shim')}:${sandbox.env['PATH']}` },
    });
    mkdirSync(sandbox.path('shim'), { recursive: true });
    const there = { url: own.url, path: '/changing.git' };
    expect(await askList(there)).toMatchObject({ mirrors: [{ url: 'https://eu.example/r.git' }] });
    const calls = sandbox.path('calls');
    const real = (await sandbox.run('sh', ['-c', 'command -v git'])).stdout.trim();
    writeFileSync(sandbox.path('shim/git'), `#!/bin/sh\necho "$@" >>${calls}\nexec ${real} "$@"\n`, {
      mode: 0o755,
    });
    writeFileSync(calls, '');
    for (let n = 0; n < 5; n += 1) await askList(there);
    expect(readFileSync(calls, 'utf8')).toBe('');
    await configure('changing.git', { 'mirrorList.eu.url': 'https://new.example/r.git' });
    expect(await askList(there)).toMatchObject({ mirrors: [{ url: 'https://new.example/r.git' }] });
    expect(readFileSync(calls, 'utf8').trim().split('\n')).toHaveLength(1);
    await configure('changing.git', { 'mirrorList.enabled': 'false' });
    expect(await greetingOf(there)).not.toContain('mirror-list');
    rmSync(sandbox.path('shim'), { recursive: true });
    await own.stop();
  });

  test('follows what is included, also when that comes to be later', async () => {
    const file = sandbox.path('served/included.git/mirrors.conf');
    await configure('included.git', { 'include.path': 'mirrors.conf' });
    expect(await greetingOf(at('included.git'))).not.toContain('mirror-list');
    writeFileSync(file, '[mirrorList]\n\tenabled\n[mirrorList "a"]\n\turl = https://a.example/r\n');
    expect(await askList(at('included.git'))).toMatchObject({ mirrors: [{ id: 'a' }] });
    writeFileSync(file, '');
    expect(await greetingOf(at('included.git'))).not.toContain('mirror-list');
  });
});

describe('the page', () => {
  const page = (name: string, query = '', headers: Record<string, string> = {}) =>
    ask({ url: server.url, path: `/${name}/info/mirrors${query}`, headers });

  test('has the same list, for as long as that is good', async () => {
    const { status, headers, body } = await page('told.git');
    expect(status).toBe(200);
    expect([headers['content-type'], headers['cache-control']]).toEqual([
      'application/json',
      'public, max-age=3600',
    ]);
    expect(parseMirrorListJson(body.toString())).toEqual(TOLD);
    expect((await page('places.git')).headers['cache-control']).toBe('private, max-age=86400');
  });

  test('takes skip and url', async () => {
    const list = async (query: string) =>
      parseMirrorListJson((await page('told.git', query)).body.toString());
    expect(await list('?skip=1&x=y')).toMatchObject({ mirrors: [{ id: 'eu' }] });
    expect(await list(`?url=${encodeURIComponent('https://no.example/')}`)).toMatchObject({ mirrors: [] });
    const bad = await page('told.git', '?skip=x');
    expect([bad.status, bad.body.toString()]).toEqual([400, "mirror-list: skip is no number: 'x'\n"]);
  });

  test('is not there where no list is, nor for other methods', async () => {
    const none = await page('silent.git');
    expect([none.status, none.body.toString()]).toEqual([404, 'no mirror list is enabled here\n']);
    expect((await page('absent.git')).status).toBe(404);
    const post = await ask({ url: server.url, path: '/told.git/info/mirrors', method: 'POST', body: '' });
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD']);
    const head = await ask({ url: server.url, path: '/told.git/info/mirrors', method: 'HEAD' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  test('asks for a login where the repository does', async () => {
    // test:secret
    writeFileSync(sandbox.path('logins'), 'test:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n');
    const closed = await gamServe(sandbox, 'served', ['--htpasswd', sandbox.path('logins')]);
    const there = { url: closed.url, path: '/told.git/info/mirrors' };
    expect((await ask(there)).status).toBe(401);
    expect((await postUploadPack({ url: closed.url, path: '/told.git' }, listRequest())).status).toBe(401);
    const Authorization = `Basic ${Buffer.from('test:secret').toString('base64')}`;
    const inside = await ask({ ...there, headers: { Authorization } });
    expect([inside.status, inside.headers['cache-control']]).toEqual([200, 'private, max-age=3600']);
    await closed.stop();
  });
});

describe('where the client is', () => {
  // In geoip-lite's data of November 2023: heise in Germany, the university of Tokyo, Google in the US.
  const near = [
    ['193.99.144.80', 'de'],
    ['133.11.0.1', 'jp'],
    ['8.8.8.8', 'us'],
    ['::ffff:133.11.0.1', 'jp'],
    ['8.8.8.8, 193.99.144.80', 'de'],
  ] as const;
  test.each(near)('a trusted proxy tells: %s is near %s', async (address, id) => {
    const list = await askList(at('places.git', { 'X-Forwarded-For': address }));
    expect(list.mirrors[0]?.id).toBe(id);
    const { body } = await ask({
      url: server.url,
      path: '/places.git/info/mirrors',
      headers: { 'X-Forwarded-For': address },
    });
    expect(parseMirrorListJson(body.toString()).mirrors[0]?.id).toBe(id);
  });

  test('shows in the log', async () => {
    await askList(at('places.git', { 'X-Forwarded-For': '1.1.1.1, ::ffff:133.11.0.7' }));
    await server.logged(/^133\.11\.0\.7 - - \[[^\]]*\] "POST \/places\.git\/git-upload-pack /m);
  });

  test('nobody else tells', async () => {
    const own = await gamServe(sandbox, 'served', ['--trusted-proxy', '10.0.0.0/8', '--trusted-proxy=::1']);
    const there = { url: own.url, path: '/places.git', headers: { 'X-Forwarded-For': '133.11.0.1' } };
    expect((await askList(there)).mirrors.map(({ id }) => id)).toEqual(['de', 'jp', 'us']);
    await own.logged(/^127\.0\.0\.1 - - .*"POST \/places/m);
    await own.stop();
  });
});

test('policies: the draw of a random one is the same for one client, and another for others', async () => {
  await configure('places.git', { 'mirrorList.policy': 'random' });
  const drawn = async (address: string) =>
    (await askList(at('places.git', { 'X-Forwarded-For': address }))).mirrors.map(({ id }) => id).join();
  const clients = Array.from({ length: 30 }, (_, n) => `8.8.8.${n}`);
  const orders = await Promise.all(clients.map(drawn));
  expect(await Promise.all(clients.map(drawn))).toEqual(orders);
  expect(new Set(orders.map((order) => order.slice(0, 2)))).toEqual(new Set(['de', 'jp', 'us']));
  await configure('places.git', { 'mirrorList.policy': 'geoip' });
});

describe.each(['0', '1', '2'])('a stock client of protocol v%s', (version) => {
  test('sees what it sees elsewhere, but for one line', async () => {
    const plain = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
    const said: string[][] = [];
    for (const url of [plain.url, server.url]) {
      const [trace, to] = [sandbox.path('trace'), `traced-${version}-${said.length}`];
      writeFileSync(trace, '');
      const words = ['-c', `protocol.version=${version}`, 'clone', '-q', `${url}/told.git`, to];
      expect((await sandbox.git(words, { env: { GIT_TRACE_PACKET: trace } })).stderr).toBe('');
      await sandbox.git(['fsck', '--strict'], { cwd: to });
      const lines = readFileSync(trace, 'utf8').matchAll(/packet: +((?:clone|fetch|git)[<>] .*)$/gm);
      // Each process by itself: which of them writes first is chance.
      const speaker = (line: string) => line.split(/[<>]/, 1)[0] ?? '';
      const all = [...lines].map(([, line = '']) => line);
      said.push(all.sort((one, other) => speaker(one).localeCompare(speaker(other))));
    }
    await plain.close();
    const [theirs = [], ours = []] = said;
    const isOwn = (line: string) => / (?:mirror-list)$/.test(line);
    expect(theirs.length).toBeGreaterThan(10);
    expect(ours.filter((line) => !isOwn(line))).toEqual(theirs);
    expect(ours.some(isOwn)).toBe(version === '2');
  });
});

test('200 questions at once are answered, without a process that is left', async () => {
  const names = ['told.git', 'many.git', 'places.git', 'empty.git'];
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const name = names[n % names.length] ?? '';
      const isLine = n % 3 > 0;
      return isLine
        ? (await askList(at(name))).state
        : (await ask({ ...at(name), path: `/${name}/info/mirrors` })).status;
    }),
  );
  expect(new Set(answers)).toEqual(new Set(['current', 200]));
});
