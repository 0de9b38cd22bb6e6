import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askList, greetingOf, listRequest, postUploadPack } from '../../helpers/ask-list.ts';
import { untilNothing } from '../../helpers/bystanders.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { type GamServe, gamServe, gamServeUpstream } from '../../helpers/gam-serve.ts';
import { makeLarge } from '../../helpers/large-repository.ts';
import { type GitFcgi, type Nginx, NO_NGINX, startGitFcgi, startNginx } from '../../helpers/nginx.ts';
import { ask, begin, fetchRequest } from '../../helpers/raw-request.ts';
import { asFetched } from '../../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// nginx with git http-backend behind `gam serve --upstream`, as many run it; and nginx before `gam serve`.

if (NO_NGINX === null) describe('with a real nginx', withNginx);
else test.skip(`with a real nginx: ${NO_NGINX}`, () => undefined);

const LIST = `[mirrorList]
\tenabled
\tpolicy = geoip
[mirrorList "de"]
\turl = https://de.example/
\tlocation = DE
[mirrorList "jp"]
\turl = https://jp.example/
\tlocation = JP
`;

function withNginx(): void {
  let sandbox: Sandbox;
  let fcgi: GitFcgi;
  let nginx: Nginx;
  let front: GamServe;
  let large: string;

  beforeAll(async () => {
    sandbox = makeSandbox();
    await generateHistory(sandbox, 'served/group/repo.git', { commits: 80, tags: 2 });
    large = await makeLarge(sandbox, 'served/large.git', 24);
    // To look for what is alike in noise takes seconds.
    await sandbox.git([
      'clone',
      '-q',
      '-c',
      'core.compression=0',
      '-c',
      'pack.window=0',
      'served/large.git',
      'large',
    ]);
    for (const name of ['closed', 'pushed'])
      await cloneBare(sandbox, 'served/group/repo.git', `served/${name}.git`);
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: 'served/pushed.git' });
    fcgi = await startGitFcgi(sandbox, 'served');
    mkdirSync(sandbox.path('pages'));
    writeFileSync(sandbox.path('pages/page.html'), '<p>A page of the forge.</p>'.repeat(200));
    writeFileSync(sandbox.path('logins'), 'ann:{PLAIN}secret\n');
    const server = `
    client_max_body_size 0;
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    location ~ ^/closed(/.*)$ {
      auth_basic "forge";
      auth_basic_user_file ${sandbox.path('logins')};
      ${fcgi.location}
    }
    location ~ ^/small(/.*)$ {
      client_max_body_size 1k;
      ${fcgi.location}
    }
    location ~ ^/old/(.*)$ { return 301 http://127.0.0.1:<port>/git/$1$is_args$args; }
    location ~ ^/away/(.*)$ { return 302 https://elsewhere.example/$1; }
    location ~ ^/git(/.*)$ { ${fcgi.location} }
    location / { root ${sandbox.path('pages')}; }`;
    nginx = await startNginx(sandbox, 'nginx', server);
    writeFileSync(sandbox.path('list.conf'), LIST);
    front = await gamServeUpstream(sandbox, nginx.url, ['--config', sandbox.path('list.conf')], {
      env: sandbox.serverEnv,
    });
  });

  afterAll(async () => {
    await front.stop();
    await nginx.close();
    await fcgi.close();
    await expectNoChildren(sandbox);
    await sandbox.close();
  });

  describe.each([0, 1, 2])('behind gam serve, a stock client of protocol v%i', (version) => {
    const all = ['-c', `protocol.version=${version}`];

    test('clones, fetches and pushes what it does without', async () => {
      for (const [name, url] of Object.entries({ plain: nginx.url, gam: front.url })) {
        const to = `${name}-${version}`;
        const from = `${url}/git/pushed.git`;
        expect((await sandbox.git([...all, 'clone', '-q', from, to])).stderr).toBe('');
        await addCommits(sandbox, 'served/pushed.git', 3, { seed: version });
        await sandbox.git([...all, 'fetch', '-q'], { cwd: to });
        await expectSameRefs(sandbox, to, 'served/pushed.git', asFetched);
        await expectClean(sandbox, to);
        // In chunks, since it is longer than what git is let keep.
        await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'x'.repeat(5000)], { cwd: to });
        const push = ['-c', 'http.postBuffer=1000', 'push', '-q', 'origin', `HEAD:refs/heads/${to}`];
        await sandbox.git([...all, ...push], { cwd: to });
        const pushed = await sandbox.git(['rev-parse', to], { cwd: 'served/pushed.git' });
        expect(pushed.stdout).toBe((await sandbox.git(['rev-parse', 'HEAD'], { cwd: to })).stdout);
      }
    });
  });

  test('a push of 24 MiB in chunks arrives whole, which nginx keeps until it has all of it', async () => {
    await sandbox.git(['init', '-q', '--bare', 'served/received.git']);
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: 'served/received.git' });
    const push = ['-c', 'http.postBuffer=65536', 'push', '-q', `${front.url}/git/received.git`, 'HEAD:main'];
    await sandbox.git(push, { cwd: 'large' });
    expect((await sandbox.git(['rev-parse', 'main'], { cwd: 'served/received.git' })).stdout).toBe(
      `${large}\n`,
    );
    await expectClean(sandbox, 'served/received.git');
  });

  test('the list is told, and answers that nginx compresses pass as they are', async () => {
    const path = '/git/group/repo.git';
    const headers = { 'Accept-Encoding': 'gzip' };
    expect(await greetingOf({ url: front.url, path, headers })).toContain('mirror-list');
    expect((await askList({ url: front.url, path })).mirrors.map(({ url }) => url)).toEqual([
      'https://de.example/git/group/repo.git',
      'https://jp.example/git/group/repo.git',
    ]);
    const [behind, through] = await Promise.all(
      [nginx.url, front.url].map((url) => ask({ url, path: '/page.html', headers })),
    );
    expect(through?.headers['content-encoding']).toBe('gzip');
    expect(through?.body.equals(behind?.body ?? Buffer.alloc(0))).toBe(true);
    const tip = (await sandbox.git(['rev-parse', 'main'], { cwd: 'served/group/repo.git' })).stdout.trim();
    const { body, ...request } = fetchRequest(path, tip);
    const pressed = {
      ...request,
      headers: { ...(request.headers as object), 'Content-Encoding': 'gzip' },
      body: gzipSync(body),
    };
    const pack = await ask({ url: front.url, ...pressed });
    expect([pack.status, pack.body.subarray(-4).toString()]).toEqual([200, '0000']);
  });

  test('a login is nginx’s to judge, for the list too', async () => {
    const path = '/closed/closed.git';
    const asked = await ask({ url: front.url, path: `${path}/info/refs?service=git-upload-pack` });
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, 'Basic realm="forge"']);
    expect((await postUploadPack({ url: front.url, path }, listRequest())).status).toBe(401);
    const refused = await sandbox.git(['ls-remote', `${front.url}${path}`], { expectStatus: 128 });
    expect(refused.stderr).toMatch(/could not read Username|Authentication failed|terminal prompts disabled/);
    const url = `${front.url.replace('//', '//ann:secret@')}${path}`;
    await sandbox.git(['clone', '-q', url, 'closed']);
    await expectSameRefs(sandbox, 'closed', 'served/closed.git', asFetched);
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'x'], { cwd: 'closed' });
    await sandbox.git(['push', '-q', 'origin', 'HEAD:refs/heads/by-ann'], { cwd: 'closed' });
    const headers = { Authorization: `Basic ${Buffer.from('ann:secret').toString('base64')}` };
    expect((await askList({ url: front.url, path, headers })).mirrors).toHaveLength(2);
  });

  test('a redirect is followed behind the same front, and one that leads away leads there', async () => {
    const { stderr } = await sandbox.git(['clone', `${front.url}/old/group/repo.git`, 'moved']);
    expect(stderr).toContain(`redirecting to ${front.url}/git/group/repo.git/`);
    await expectSameRefs(sandbox, 'moved', 'served/group/repo.git', asFetched);
    const away = await ask({ url: front.url, path: '/away/x' });
    expect([away.status, away.headers.location]).toEqual([302, 'https://elsewhere.example/x']);
  });

  test('a body that nginx does not take is refused in its words, while it still comes', async () => {
    await sandbox.git(['init', '-q', '--bare', 'served/small.git']);
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: 'served/small.git' });
    const push = ['push', '-q', `${front.url}/small/small.git`, 'HEAD:main'];
    const { stderr } = await sandbox.git(['-c', 'http.postBuffer=65536', ...push], {
      cwd: 'large',
      expectStatus: null,
    });
    expect(stderr).toContain('HTTP 413');
    const fixed = await sandbox.git(push, { cwd: 'large', expectStatus: null });
    expect(fixed.stderr).toContain('HTTP 413');
  });

  test('what is no git’s passes: pages, ranges, what is not there, what is conditional', async () => {
    const of = (path: string, headers: Record<string, string> = {}) =>
      Promise.all(
        [nginx.url, front.url].map(async (url) => {
          const { status, headers: said, body } = await ask({ url, path, headers });
          const { date: _, connection: __, 'keep-alive': ___, 'transfer-encoding': ____, ...rest } = said;
          return { status, rest, body: body.toString() };
        }),
      );
    for (const [path, headers] of [
      ['/page.html', {}],
      ['/page.html', { Range: 'bytes=3-8' }],
      ['/page.html', { 'If-Modified-Since': new Date(Date.now() + 1e6).toUTCString() }],
      ['/absent', {}],
      ['/a%2fb/../page.html', {}],
    ] as const) {
      const [plain, through] = await of(path, headers);
      expect(through).toEqual(plain);
    }
  });

  test('an nginx that dies in the middle breaks the answer off, is 502 meanwhile, and is found again', async () => {
    const { body, ...request } = fetchRequest('/git/large.git', large);
    const { sent, answer } = begin({ url: front.url, ...request });
    sent.end(body);
    const message = await answer;
    await once(message, 'readable');
    await nginx.kill();
    const read = async () => {
      for await (const _ of message);
    };
    await expect(read()).rejects.toThrow();
    const path = '/git/group/repo.git/info/refs?service=git-upload-pack';
    expect((await ask({ url: front.url, path })).status).toBe(502);
    const failed = await sandbox.git(['clone', '-q', `${front.url}/git/group/repo.git`, 'not-now'], {
      expectStatus: 128,
    });
    expect(failed.stderr).toContain('502');
    await nginx.start();
    await sandbox.git(['clone', '-q', `${front.url}/git/group/repo.git`, 'again']);
    await expectSameRefs(sandbox, 'again', 'served/group/repo.git', asFetched);
  });

  test('an nginx that is started anew between two requests is asked anew over a new line', async () => {
    const path = '/page.html';
    expect((await ask({ url: front.url, path })).status).toBe(200);
    await nginx.close();
    await nginx.start();
    expect((await ask({ url: front.url, path })).status).toBe(200);
  });

  describe('before gam serve', () => {
    let served: GamServe;
    let before: Nginx;

    beforeAll(async () => {
      const config = LIST.replaceAll('.example/', '.example/repo.git');
      const cwd = sandbox.path('served/group/repo.git');
      writeFileSync(`${cwd}/config`, `${readFileSync(`${cwd}/config`, 'utf8')}${config}`);
      await sandbox.git(['config', 'http.receivepack', 'true'], { cwd });
      served = await gamServe(sandbox, 'served', ['--trusted-proxy=127.0.0.1'], { env: sandbox.serverEnv });
      // So that nginx keeps nothing, neither of a pack nor of a push.
      const server = `
      client_max_body_size 0;
      location / {
        proxy_pass ${served.url};
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_request_buffering off;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      }`;
      before = await startNginx(sandbox, 'before', server);
    });
    afterAll(async () => {
      await before.close();
      await served.stop();
    });

    test.each([0, 1, 2])('a stock client of protocol v%i clones, fetches and pushes', async (version) => {
      const all = ['-c', `protocol.version=${version}`];
      const to = `before-${version}`;
      await sandbox.git([...all, 'clone', '-q', `${before.url}/group/repo.git`, to]);
      await expectSameRefs(sandbox, to, 'served/group/repo.git', asFetched);
      await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'x'.repeat(5000)], { cwd: to });
      const push = ['-c', 'http.postBuffer=1000', 'push', '-q', 'origin', `HEAD:refs/heads/${to}`];
      await sandbox.git([...all, ...push], { cwd: to });
      await sandbox.git([...all, 'fetch', '-q'], { cwd: to });
      await expectSameRefs(sandbox, to, 'served/group/repo.git', asFetched);
    });

    test.each([
      ['133.11.0.1', 'jp'],
      ['141.20.1.1', 'de'],
    ])('the client is who the proxy says: %s is near %s', async (address, nearest) => {
      const headers = { 'X-Forwarded-For': address };
      // nginx adds 127.0.0.1, its own client, which is trusted here, too: so what that says counts.
      const list = await askList({ url: before.url, path: '/group/repo.git', headers });
      expect(list.mirrors[0]?.id).toBe(nearest);
      await served.logged(new RegExp(`^${address.replaceAll('.', '\\.')} - - .*service=upload-pack`, 'm'));
    });

    test('a client that leaves in the middle ends git, and the page is there', async () => {
      const { body, ...request } = fetchRequest('/large.git', large);
      const { sent, answer } = begin({ url: before.url, ...request });
      sent.end(body);
      const message = await answer;
      await once(message, 'readable');
      sent.destroy();
      await served.logged(/"POST \/large\.git\/git-upload-pack HTTP\/1\.1" 200 .*reason="the client left"/);
      const gits = () => sandbox.living().filter(({ command }) => /http-backend|pack-objects/.test(command));
      expect(await untilNothing(gits)).toEqual([]);
      expect((await ask({ url: before.url, path: '/-/' })).status).toBe(200);
    });
  });
}
