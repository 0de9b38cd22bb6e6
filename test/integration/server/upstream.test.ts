import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gitVersion, isAtLeast } from '../../../src/git/version.ts';
import { parseMirrorListJson } from '../../../src/protocol/mirror-list-json.ts';
import {
  askList,
  greetingOf,
  listIn,
  listRequest,
  packetsOf,
  postUploadPack,
} from '../../helpers/ask-list.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { type GamServe, gamServe, gamServeUpstream } from '../../helpers/gam-serve.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { ask, begin } from '../../helpers/raw-request.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// gam serve --upstream stands before a git server, tells its mirrors, and changes nothing else.

let sandbox: Sandbox;
let plain: HttpServer;
let front: GamServe;
let hasSha256: boolean;

const LIST = `[mirrorList]
\tenabled
\tcanonical = https://git.example/
\tpolicy = geoip
[mirrorList "de"]
\turl = https://de.example/mirrors
\tlocation = DE
[mirrorList "jp"]
\turl = git@jp.example:
\tlocation = JP
`;

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/group/repo.git', { commits: 80, tags: 2 });
  hasSha256 = isAtLeast(await gitVersion({ env: sandbox.env, cwd: sandbox.root }), '2.29');
  if (hasSha256) await generateHistory(sandbox, 'served/sha256.git', { commits: 3, objectFormat: 'sha256' });
  writeFileSync(sandbox.path('list.conf'), LIST);
  plain = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv, push: true });
  front = await gamServeUpstream(sandbox, plain.url, [
    '--config',
    sandbox.path('list.conf'),
    '--trusted-proxy=127.0.0.1',
  ]);
});

afterAll(async () => {
  await front.stop();
  await plain.close();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

const at = (path: string, headers: Record<string, string> = {}) => ({ url: front.url, path, headers });

describe('the list', () => {
  test('is offered for every repository, with its path appended', async () => {
    expect(await greetingOf(at('/group/repo.git'))).toContain('mirror-list');
    expect(await askList(at('/group/repo.git'))).toMatchObject({
      canonical: ['https://git.example/group/repo.git'],
      mirrors: [
        { url: 'https://de.example/mirrors/group/repo.git' },
        { url: 'git@jp.example:group/repo.git' },
      ],
    });
    if (!hasSha256) return;
    const of256 = await postUploadPack(at('/sha256.git'), listRequest({}, 'sha256'));
    expect(listIn(of256).mirrors).toHaveLength(2);
  });

  test('knows who asks, by a trusted proxy, and comes as a page, too', async () => {
    const headers = { 'X-Forwarded-For': '133.11.0.1' };
    expect((await askList(at('/group/repo.git', headers))).mirrors[0]?.id).toBe('jp');
    const page = await ask({ url: front.url, path: '/group/repo.git/info/mirrors?skip=1', headers });
    expect(page.headers['cache-control']).toBe('private, max-age=86400');
    expect(parseMirrorListJson(page.body.toString()).mirrors.map(({ id }) => id)).toEqual(['de']);
    await front.logged(
      /^133\.11\.0\.1 - - .*"GET \/group\/repo\.git\/info\/mirrors\?\.\.\. HTTP\/1\.1" 200 .*service=mirrors/m,
    );
  });

  test('is told to nobody who may not see the repository', async () => {
    const closed = await startHttpServer({
      root: sandbox.path('served'),
      env: sandbox.serverEnv,
      login: { user: 'ann', password: 'secret' },
    });
    const own = await gamServeUpstream(sandbox, closed.url, ['--config', sandbox.path('list.conf')]);
    const there = { url: own.url, path: '/group/repo.git' };
    const refused = await ask({ ...there, path: '/group/repo.git/info/mirrors' });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Basic realm="git"']);
    expect((await postUploadPack(there, listRequest())).status).toBe(401);
    const headers = { Authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` };
    expect((await askList({ ...there, headers })).mirrors).toHaveLength(2);
    // What was found once is not asked again, but for the same login only.
    closed.requests.length = 0;
    expect((await askList({ ...there, headers })).mirrors).toHaveLength(2);
    expect(closed.requests).toEqual([]);
    expect((await postUploadPack(there, listRequest())).status).toBe(401);
    expect((await ask({ ...at('/absent.git/info/mirrors') })).status).toBe(404);
    await own.stop();
    await closed.close();
  });

  test('follows the file', async () => {
    const file = sandbox.path('changing.conf');
    writeFileSync(file, '');
    const own = await gamServeUpstream(sandbox, plain.url, ['--config', file]);
    const there = { url: own.url, path: '/group/repo.git' };
    expect(await greetingOf(there)).not.toContain('mirror-list');
    writeFileSync(file, LIST);
    expect((await askList(there)).mirrors).toHaveLength(2);
    expect((await own.stop()).stderr).toMatch(
      /^gam: mirrorList\.enabled is not set in .*changing\.conf; nothing/,
    );
  });

  test('is said once where the server upstream has one itself, and the own one is told', async () => {
    await generateHistory(sandbox, 'served/own.git', { commits: 3 });
    await sandbox.git(['config', 'mirrorList.enabled', 'true'], { cwd: 'served/own.git' });
    const back = await gamServe(sandbox, 'served');
    const own = await gamServeUpstream(sandbox, `${back.url}/`, ['--config', sandbox.path('list.conf')]);
    const greeting = await greetingOf({ url: own.url, path: '/own.git' });
    expect(greeting.filter((line) => line === 'mirror-list')).toHaveLength(1);
    await sandbox.git(['clone', '-q', `${own.url}/group/repo`, 'through-two']);
    await expectSameRefs(sandbox, 'through-two', 'served/group/repo.git');
    await own.stop();
    await back.stop();
  });
});

describe.each(['0', '1', '2'])('a stock client of protocol v%s', (version) => {
  test('sees what it sees without, but for one line; and pushes', async () => {
    const said: string[][] = [];
    for (const url of [plain.url, front.url]) {
      const [trace, to] = [sandbox.path('trace'), `traced-${version}-${said.length}`];
      writeFileSync(trace, '');
      const words = ['-c', `protocol.version=${version}`, 'clone', '-q', `${url}/group/repo.git`, to];
      expect((await sandbox.git(words, { env: { GIT_TRACE_PACKET: trace } })).stderr).toBe('');
      const lines = readFileSync(trace, 'utf8').matchAll(/packet: +((?:clone|fetch|git)[<>] .*)$/gm);
      const speaker = (line: string) => line.split(/[<>]/, 1)[0] ?? '';
      const all = [...lines].map(([, line = '']) => line);
      said.push(all.sort((one, other) => speaker(one).localeCompare(speaker(other))));
      await expectClean(sandbox, to);
    }
    const [theirs = [], ours = []] = said;
    expect(theirs.length).toBeGreaterThan(10);
    expect(ours.filter((line) => !line.endsWith(' mirror-list'))).toEqual(theirs);
    expect(ours.length > theirs.length).toBe(version === '2');
    const config = ['-c', `protocol.version=${version}`, '-c', 'http.postBuffer=1000'];
    const cwd = `traced-${version}-1`;
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'x'.repeat(5000)], { cwd });
    await sandbox.git([...config, 'push', '-q', 'origin', `HEAD:refs/heads/new-${version}`], { cwd });
    await sandbox.git(['push', '-q', 'origin', `:new-${version}`], { cwd });
  });
});

// A server that is no git's.
async function startOdd(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function withOdd(
  listener: RequestListener,
  use: (front: GamServe, url: string) => Promise<void>,
  base = '',
): Promise<void> {
  const { server, url } = await startOdd(listener);
  const own = await gamServeUpstream(sandbox, url + base, ['--config', sandbox.path('list.conf')]);
  try {
    await use(own, url);
  } finally {
    await own.stop();
    server.closeAllConnections();
    server.close();
  }
}

describe('what is passed on', () => {
  test('is every method, path, status and header, but for those of one connection', async () => {
    const seen: IncomingMessage[] = [];
    const bodies: string[] = [];
    await withOdd(
      async (request, response) => {
        seen.push(request);
        bodies.push(Buffer.concat(await request.toArray()).toString());
        response.writeHead(418, 'Short and stout', {
          'Set-Cookie': ['a=1', 'b=2'],
          'X-Odd': 'y',
          Connection: 'keep-alive, X-Hop',
          'X-Hop': 'h',
          'WWW-Authenticate': 'Negotiate',
        });
        response.end('tea');
      },
      async (own, url) => {
        const path = '/a//../%2fb/-/api?x=%00&y';
        const answer = await ask({
          url: own.url,
          path,
          method: 'DELETE',
          headers: {
            'X-Case': 'Kept',
            Authorization: 'Bearer t',
            'X-Forwarded-For': '192.0.2.1',
            'Accept-Encoding': 'br',
            Connection: 'close, X-Gone',
            'X-Gone': '1',
            TE: 'trailers',
            'Content-Length': '4',
          },
          body: 'body',
        });
        expect([answer.status, answer.body.toString(), answer.headers['set-cookie']]).toEqual([
          418,
          'tea',
          ['a=1', 'b=2'],
        ]);
        expect(answer.headers).toMatchObject({ 'x-odd': 'y', 'www-authenticate': 'Negotiate' });
        expect(answer.headers).not.toHaveProperty('x-hop');
        const [request] = seen;
        expect([request?.method, request?.url, bodies[0]]).toEqual(['DELETE', path, 'body']);
        expect(request?.rawHeaders).toContain('X-Case');
        expect(request?.headers).toMatchObject({
          host: new URL(url).host,
          authorization: 'Bearer t',
          'accept-encoding': 'br',
          'x-forwarded-for': '192.0.2.1, 127.0.0.1',
        });
        for (const name of ['x-gone', 'te']) expect(request?.headers).not.toHaveProperty(name);
        // Also a body where none is usual, which must not become a request of its own.
        const chunked = { 'Transfer-Encoding': 'chunked' };
        await ask({
          url: own.url,
          path: '/x',
          method: 'GET',
          headers: chunked,
          body: 'GET /smuggled HTTP/1.1\r\n\r\n',
        });
        expect(seen.map((one) => one.url)).toEqual([path, '/x']);
      },
    );
  });

  test.each([
    ['/x', '', '<url>/moved?y', '/moved?y'],
    ['/x', '/git', '<url>/git/moved', '/moved'],
    ['/x', '/git', '<url>/elsewhere', '<url>/elsewhere'],
    ['/x', '/git', '/git/moved', '/moved'],
    ['/x', '', '/moved', '/moved'],
    ['/x', '', '<url>//evil.example/', '/evil.example/'],
    ['/x', '', 'moved', 'moved'],
    ['/x', '', 'https://other.example/x', 'https://other.example/x'],
  ])('a redirect of %s below %j to %s leads to %s', async (path, base, from, to) => {
    let url = '';
    await withOdd(
      (_, response) => response.writeHead(301, { Location: from.replace('<url>', url) }).end(),
      async (own, real) => {
        url = real;
        const { status, headers } = await ask({ url: own.url, path });
        expect([status, headers.location]).toEqual([301, to.replace('<url>', url)]);
      },
      base,
    );
  });

  test('a greeting is asked for as it is; one that is compressed all the same is left alone', async () => {
    const greeting = '001e# service=git-upload-pack\n0000000eversion 2\n0000';
    const encodings: unknown[] = [];
    let pressed = false;
    await withOdd(
      (request, response) => {
        encodings.push(request.headers['accept-encoding']);
        const body = pressed ? gzipSync(greeting) : Buffer.from(greeting);
        response.setHeader('Content-Type', 'application/x-git-upload-pack-advertisement');
        if (pressed) response.setHeader('Content-Encoding', 'gzip');
        response.setHeader('Content-Length', body.length).end(body);
      },
      async (own) => {
        const request = {
          url: own.url,
          path: '/r/info/refs?service=git-upload-pack',
          headers: { 'Git-Protocol': 'version=2', 'Accept-Encoding': 'gzip' },
        };
        const { body, headers } = await ask(request);
        expect(packetsOf(body)).toHaveLength(5);
        expect(headers).not.toHaveProperty('content-length');
        pressed = true;
        expect((await ask(request)).body).toEqual(gzipSync(greeting));
        pressed = false;
        const old = await ask({ ...request, headers: { 'Accept-Encoding': 'gzip' } });
        expect(old.body.toString()).toBe(greeting);
        expect(encodings).toEqual(['identity', 'identity', 'gzip']);
      },
    );
  });

  test('no faster than it is taken, both ways; and a client that leaves ends the request', async () => {
    let sent = 0;
    let left: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    await withOdd(
      (request, response) => {
        response.once('close', left);
        if (request.method === 'POST') return;
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
          sent += 65_536;
        };
        response.on('drain', more);
        more();
      },
      async (own) => {
        const { answer, sent: asked } = begin({ url: own.url, path: '/endless' });
        asked.end();
        const message = await answer;
        await settled(() => sent);
        const before = sent;
        expect(before).toBeLessThan(64 * 2 ** 20);
        for (let read = 0; read < 8 * 2 ** 20; ) {
          const chunk = message.read() as Buffer | null;
          if (chunk === null) await once(message, 'readable');
          else read += chunk.length;
        }
        expect(sent).toBeGreaterThan(before);
        message.destroy();
        await gone;
        const up = begin({ url: own.url, path: '/up', method: 'POST' });
        let taken = 0;
        const push = () => {
          while (up.sent.write(Buffer.alloc(65_536))) taken += 1;
          taken += 1;
        };
        up.sent.on('drain', push);
        push();
        await settled(() => taken);
        expect(taken).toBeLessThan(1000);
        up.sent.destroy();
      },
    );
  });
});

// Until a number has stayed as it is for a while.
async function settled(look: () => number): Promise<void> {
  for (let last = -1; last !== look(); ) {
    last = look();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

describe('the page', () => {
  test("is not there unless it is told to be: what is under /-/ is the upstream's", async () => {
    const seen: string[] = [];
    const { url, server } = await startOdd((request, response) => {
      seen.push(request.url ?? '');
      response.end('its own');
    });
    const own = await gamServeUpstream(sandbox, url);
    const paths = ['/-/', '/-/status.json', '/-/gam/', '/-/gam', '/-/profile'];
    for (const path of paths) expect((await ask({ url: own.url, path })).body.toString()).toBe('its own');
    expect(seen).toEqual(paths);
    await own.stop();
    const paged = await gamServeUpstream(sandbox, url, ['--page', '--config', sandbox.path('list.conf')]);
    for (const path of ['/-/', '/-/status.json', '/-/gam/other'])
      expect((await ask({ url: paged.url, path })).body.toString()).toBe('its own');
    const led = await ask({ url: paged.url, path: '/-/gam' });
    expect([led.status, new URL(led.headers.location ?? '', `${paged.url}/-/gam`).pathname]).toEqual([
      308,
      '/-/gam/',
    ]);
    const page = await ask({ url: paged.url, path: '/-/gam/' });
    expect(page.body.toString()).toContain('2 mirrors of every repository');
    const [, metrics = ''] = /href="([^"]*metrics)"/.exec(page.body.toString()) ?? [];
    expect(new URL(metrics, `${paged.url}/-/gam/`).pathname).toBe('/-/metrics');
    await ask({ url: paged.url, path: '/secret/repo.git/info/refs?service=git-upload-pack' });
    const { body } = await ask({ url: paged.url, path: '/-/gam/status.json' });
    expect(JSON.parse(body.toString())).toMatchObject({
      kind: 'upstream',
      lists: [{ path: '/*', mirrors: [{}, {}] }],
    });
    expect(body.toString()).not.toContain('secret');
    await paged.stop();
    server.closeAllConnections();
    server.close();
  });
});

describe('an upstream', () => {
  test('that breaks off in the middle breaks the answer off', async () => {
    await withOdd(
      (_, response) => void response.write('some', () => response.destroy()),
      async (own) => {
        await expect(ask({ url: own.url, path: '/x' })).rejects.toThrow(/aborted|hang up/);
        await own.logged(/"GET \/x HTTP\/1\.1" 200 .*reason="the upstream broke off"/);
      },
    );
  });

  test('that is not there is a status of 502, and one line', async () => {
    const { server, url } = await startOdd(() => undefined);
    server.close();
    const own = await gamServeUpstream(sandbox, url, ['--config', sandbox.path('list.conf')]);
    const { status, body } = await ask({ url: own.url, path: '/x' });
    expect([status, body.toString()]).toEqual([502, 'the git server behind this one cannot be reached\n']);
    const failed = await sandbox.git(['ls-remote', `${own.url}/x.git`], { expectStatus: 128 });
    expect(failed.stderr).toContain('502');
    await own.logged(/ 502 .*reason="cannot reach the upstream: connect ECONNREFUSED 127\.0\.0\.1:[0-9]+"/);
    await own.stop();
  });

  test('that hangs up on kept connections is asked anew', async () => {
    let count = 0;
    await withOdd(
      (request, response) => {
        count += 1;
        // The second comes over the line of the first.
        if (count === 2) request.socket.destroy();
        else response.end(`${count}`);
      },
      async (own) => {
        expect((await ask({ url: own.url, path: '/x' })).body.toString()).toBe('1');
        expect((await ask({ url: own.url, path: '/x' })).body.toString()).toBe('3');
      },
    );
  });

  // As nginx does with what is too long (413). The line to it stayed, and a server that was told to stop waited two minutes for the
  // rest of what the client had gone on sending.
  test('that answers before it has everything is left, and nobody waits for the rest', async () => {
    let left = () => {};
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    await withOdd(
      (request, response) => {
        request.socket.once('close', left);
        response.writeHead(413, { 'Content-Length': '8' }).end('too long');
      },
      async (own) => {
        const headers = { Connection: 'keep-alive', 'Transfer-Encoding': 'chunked' };
        const { sent, answer } = begin({ url: own.url, path: '/x', method: 'POST', headers });
        sent.write('some of it');
        const message = await answer;
        expect([message.statusCode, await text(message)]).toEqual([413, 'too long']);
        await gone;
        sent.destroy();
        expect(await own.stop()).toMatchObject({ status: 0 });
      },
    );
  });

  test('may speak https', async () => {
    const tls = await makeCertificate(sandbox);
    const safe = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv, tls });
    const own = await gamServeUpstream(sandbox, safe.url, ['--config', sandbox.path('list.conf')], {
      env: { NODE_EXTRA_CA_CERTS: tls.path },
    });
    await sandbox.git(['clone', '-q', `${own.url}/group/repo.git`, 'from-https']);
    await expectSameRefs(sandbox, 'from-https', 'served/group/repo.git');
    await own.stop();
    await safe.close();
  });

  test.each([
    [['--upstream', 'ssh://h/'], /that is no URL of a git server/],
    [['--upstream', 'https://u:secret@h/'], /^(?!.*secret)gam: .*that is no URL/],
    [['--upstream', 'http://h/', 'folder'], /two servers/],
    [['--upstream', 'http://h/', '--config', '/absent'], /cannot read \/absent/],
  ])('is not %j', async (words, why) => {
    const { stderr } = await sandbox.run('gam', ['serve', '--listen', '127.0.0.1:0', ...words], {
      expectStatus: null,
    });
    expect(stderr).toMatch(why);
  });

  test('200 requests at once are answered', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        if (n % 4 > 0) return (await askList(at('/group/repo.git'))).state;
        return (await ask({ url: front.url, path: '/group/repo.git/HEAD' })).status;
      }),
    );
    expect(new Set(answers)).toEqual(new Set(['current', 200]));
  });
});
