import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signalAll } from '../../../src/git/descendants.ts';
import { isAtLeast, parseGitVersion } from '../../../src/git/version.ts';
import type { Status } from '../../../src/server/page/status.ts';
import { askList, greetingOf, listIn, listRequest, postUploadPack } from '../../helpers/ask-list.ts';
import { untilNothing } from '../../helpers/bystanders.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { type CacheInSandbox, type GamServe, gamCache } from '../../helpers/gam-serve.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { makeLarge } from '../../helpers/large-repository.ts';
import { openLine } from '../../helpers/line.ts';
import { ask, begin, fetchRequest } from '../../helpers/raw-request.ts';
import { asCloned, asMirrored } from '../../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// One machine as a mirror for everything under some URLs.

const LS_REFS = '/info/refs?service=git-upload-pack';

let sandbox: Sandbox;
let canonical: HttpServer;
let host: string;
const caches: GamServe[] = [];
let folders = 0;

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/repo.git', { commits: 60, tags: 3 });
  canonical = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
  host = `127.0.0.1:${canonical.port}`;
});

beforeEach(() => {
  canonical.answer = null;
  canonical.before = null;
  canonical.requests.length = 0;
});

afterEach(async () => {
  await Promise.all(caches.splice(0).map((cache) => cache.stop()));
  await expectNoChildren(sandbox);
});

afterAll(async () => {
  await canonical.close();
  await sandbox.close();
});

/** A cache of canonical's repositories, in a folder of its own unless one is named. */
async function open(
  args: readonly string[] = [],
  folder?: string,
  bases?: readonly string[],
  options?: CacheInSandbox,
) {
  folders += 1;
  const name = folder ?? `cache-${folders}`;
  const cache = await gamCache(sandbox, name, bases ?? [`${canonical.url}/`], args, options);
  caches.push(cache);
  return { ...cache, folder: name, url: `${cache.url}/${host}`, top: cache.url };
}

/** A repository of canonical's that no other test knows. */
async function copyOf(name: string): Promise<string> {
  await cloneBare(sandbox, 'served/repo.git', `served/${name}.git`);
  return `served/${name}.git`;
}

async function statusOf(url: string): Promise<number> {
  const { origin, pathname } = new URL(url);
  return (await ask({ url: origin, path: `${pathname}${LS_REFS}` })).status;
}

async function metric(cache: { top: string }, name: string): Promise<number> {
  const { body } = await ask({ url: cache.top, path: '/-/metrics' });
  const [, value] = new RegExp(`^gam_cache_${name} ([0-9]+)$`, 'm').exec(body.toString()) ?? [];
  return Number(value);
}

const fetches = () => canonical.requests.filter(({ method }) => method === 'POST').length;

describe('the first to ask', () => {
  test('has it fetched, once for all who ask meanwhile, and then canonical is left alone', async () => {
    const cache = await open();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    canonical.before = () => held;
    const listed = Array.from({ length: 20 }, () => sandbox.git(['ls-remote', `${cache.url}/repo.git`]));
    const asked = () => (canonical.requests.length > 0 ? [] : ['nobody has asked']);
    expect(await untilNothing(asked)).toEqual([]);
    const page = async () => {
      const { body } = await ask({ url: cache.top, path: '/-/status.json' });
      return (JSON.parse(body.toString()) as Status).copies;
    };
    const here = { path: `/${host}/repo.git`, canonical: `http://${host}/repo.git` };
    expect(await page()).toMatchObject([{ ...here, state: 'fetching', bytes: null, confirmedAt: null }]);
    release();
    const there = await sandbox.git(['ls-remote', sandbox.path('served/repo.git')]);
    for (const { stdout } of await Promise.all(listed)) expect(stdout).toBe(there.stdout);
    expect(canonical.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
    await cache.logged(new RegExp(`^gam: fetched http://${host}/repo\\.git in [0-9]+ ms$`, 'm'));
    canonical.requests.length = 0;
    await sandbox.git(['clone', '-q', `${cache.url}/repo`, 'plain-clone']);
    // `x` and `x.git` are one copy, and one row.
    expect(await page()).toMatchObject([{ ...here, state: 'fresh', hits: 1, bytes: expect.any(Number) }]);
    await expectSameRefs(sandbox, 'plain-clone', 'served/repo.git', asCloned);
    await expectClean(sandbox, 'plain-clone');
    expect(canonical.requests).toEqual([]);
    expect([await metric(cache, 'fetches_total'), await metric(cache, 'hits_total')]).toEqual([1, 1]);
    expect(await metric(cache, 'bytes')).toBeGreaterThan(10_000);
  });

  test('may leave: the others get it, and it is here for the next one', async () => {
    const cache = await open();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    canonical.before = () => held;
    const leaver = sandbox.start('git', ['ls-remote', `${cache.url}/repo.git`]);
    expect(await untilNothing(() => (canonical.requests.length > 0 ? [] : ['nobody has asked']))).toEqual([]);
    leaver.kill('SIGKILL');
    await leaver.ended;
    await cache.logged(/ 499 .*the client left/);
    release();
    await cache.logged(/^gam: fetched /m);
    expect(await statusOf(`${cache.url}/repo.git`)).toBe(200);
    expect(canonical.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  test('of two servers on one folder is the only one', async () => {
    const one = await open();
    const other = await open([], one.folder);
    const urls = [one, other, one, other, one, other].map(({ url }) => `${url}/repo.git`);
    expect(await Promise.all(urls.map(statusOf))).toEqual([200, 200, 200, 200, 200, 200]);
    expect(canonical.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });
});

describe('what canonical says now', () => {
  test('is what a client gets: new commits, no branch that is gone, and HEAD', async () => {
    const source = await copyOf('moving');
    const cache = await open(['--ttl=0']);
    await sandbox.git(['branch', 'doomed', 'main'], { cwd: source });
    await sandbox.git(['clone', '-q', '--mirror', `${cache.url}/moving.git`, 'moving-before']);
    await expectSameRefs(sandbox, 'moving-before', source, asMirrored);
    await addCommits(sandbox, source, 5, {});
    await sandbox.git(['branch', '-D', 'doomed'], { cwd: source });
    await sandbox.git(['branch', '-m', 'main', 'trunk'], { cwd: source });
    await sandbox.git(['clone', '-q', '--mirror', `${cache.url}/moving`, 'moving-after']);
    await expectSameRefs(sandbox, 'moving-after', source, asMirrored);
    const head = await sandbox.git(['ls-remote', '--symref', `${cache.url}/moving`, 'HEAD']);
    expect(head.stdout).toMatch(/^ref: refs\/heads\/trunk\tHEAD$/m);
    await cache.logged(new RegExp(`^gam: refreshed http://${host}/moving`, 'm'));
    expect(await metric(cache, 'refreshes_total')).toBeGreaterThan(0);
  });

  test('shallow and partial clones, and a commit by its id', async () => {
    const cache = await open();
    const url = `${cache.url}/repo.git`;
    await sandbox.git(['clone', '-q', '--depth=2', url, 'shallow']);
    await sandbox.git(['fetch', '-q', '--unshallow'], { cwd: 'shallow' });
    await sandbox.git(['clone', '-q', '--filter=blob:none', url, 'partial']);
    const { stdout } = await sandbox.git(['rev-parse', 'main~5'], { cwd: 'served/repo.git' });
    await sandbox.git(['init', '-q', 'by-id']);
    await sandbox.git(['-c', 'protocol.version=0', 'fetch', '-q', '--depth=1', url, stdout.trim()], {
      cwd: 'by-id',
    });
    for (const protocol of ['0', '1', '2'])
      await sandbox.git(['-c', `protocol.version=${protocol}`, 'clone', '-q', url, `version-${protocol}`]);
    await expectSameRefs(sandbox, 'version-0', 'served/repo.git', asCloned);
    for (const clone of ['shallow', 'version-0', 'version-1']) await expectClean(sandbox, clone);
  });

  test('sha256, and a repository without a commit', async (context) => {
    const version = parseGitVersion((await sandbox.git(['version'])).stdout) ?? '';
    if (!isAtLeast(version, '2.29')) context.skip();
    await generateHistory(sandbox, 'served/sha256.git', { commits: 10, objectFormat: 'sha256' });
    await sandbox.git(['init', '-q', '--bare', 'served/empty.git']);
    const cache = await open(['--ttl=0']);
    for (const name of ['sha256', 'empty'])
      for (const time of ['first', 'second'])
        await sandbox.git(['clone', '-q', `${cache.url}/${name}.git`, `${name}-${time}`]);
    await expectSameRefs(sandbox, 'sha256-second', 'served/sha256.git', asCloned);
    const asked = await postUploadPack(
      { url: cache.top, path: `/${host}/sha256` },
      listRequest({}, 'sha256'),
    );
    expect(listIn(asked).canonical).toEqual([`http://${host}/sha256.git`]);
  });
});

describe('canonical', () => {
  test('is down: what is here is served, and the log, the metrics and the access line say so', async () => {
    const cache = await open(['--ttl=0']);
    expect(await statusOf(`${cache.url}/repo.git`)).toBe(200);
    canonical.answer = (request) => {
      request.socket.destroy();
      return true;
    };
    await sandbox.git(['clone', '-q', `${cache.url}/repo.git`, 'stale']);
    await expectSameRefs(sandbox, 'stale', 'served/repo.git', asCloned);
    await cache.logged(new RegExp(`^gam: http://${host}/repo\\.git cannot be fetched: .+$`, 'm'));
    await cache.logged(/" 200 .*reason="stale: /);
    expect(await metric(cache, 'stale_total')).toBe(1);
    const other = await ask({ url: cache.top, path: `/${host}/absent.git${LS_REFS}` });
    expect([other.status, other.body.toString()]).toEqual([
      502,
      `cannot fetch http://${host}/absent.git; the log of the cache says why\n`,
    ]);
  });

  test('is down: clients that ask are told for how long already, and by the page of the list as well', async () => {
    const cache = await open(['--ttl=0']);
    const asked = { url: cache.top, path: `/${host}/repo.git` };
    const url = `http://${host}/repo.git`;
    const page = async () =>
      JSON.parse((await ask({ ...asked, path: `${asked.path}/info/mirrors` })).body.toString()) as object;
    // Nothing is fetched for a look at its list.
    expect((await ask({ ...asked, path: `${asked.path}/info/mirrors` })).status).toBe(404);
    expect(canonical.requests).toEqual([]);
    expect(await greetingOf(asked)).toContain('mirror-list');
    const fresh = { canonical: [url], mirrors: [], more: 0, prefer: null, ttl: 0, state: 'current' };
    expect(await askList(asked)).toEqual({ ...fresh, successor: null, stale: null });
    expect(await page()).toEqual({ version: 1, ...fresh, successor: null });
    const before = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(
      sandbox.path(cache.folder, `http/${host.replace(':', '+')}/repo.git/gam-confirmed`),
      before,
      before,
    );
    canonical.answer = (request) => {
      request.socket.destroy();
      return true;
    };
    // Until somebody has asked canonical in vain, nobody knows.
    expect((await askList(asked)).stale).toBeNull();
    await sandbox.git(['ls-remote', `${cache.url}/repo.git`]);
    expect((await askList(asked)).stale).toBeGreaterThanOrEqual(7200);
    expect(await page()).toMatchObject({ stale: expect.any(Number), state: 'current' });
    await cache.logged(/GET \S+\/info\/mirrors HTTP\/1.1" 200 .*reason="stale: /);
    expect(await metric(cache, 'stale_copies')).toBe(1);
    const shown = await sandbox.run('gam', ['mirrors', 'refresh', `${cache.url}/repo.git`]);
    expect(shown.stdout).toContain(`  stale: ${url} has not confirmed what is there for 2 h\n`);
    const config = ['-c', `mirror.http://${host}/.url=${cache.url}/`];
    const checked = await sandbox.git([...config, '-c', 'alias.check=!gam mirrors check', 'check', url]);
    expect(checked.stdout).toMatch(
      /^stale: http\S+repo\.git: http\S+ has not confirmed what is there for 2 h$/m,
    );
    // Where a proxy is set up, git itself asks.
    const proxied = { env: { http_proxy: 'http://127.0.0.1:1', no_proxy: '127.0.0.1' } };
    const byGit = await sandbox.git(
      [...config, '-c', 'alias.check=!gam mirrors check', 'check', url],
      proxied,
    );
    expect(byGit.stdout).toMatch(/^stale: /m);
    canonical.answer = null;
    expect(await statusOf(`${cache.url}/repo.git`)).toBe(200);
    expect((await askList(asked)).stale).toBeNull();
    expect(await metric(cache, 'stale_copies')).toBe(0);
  });

  test('answers 503: that is down, too', async () => {
    const cache = await open(['--ttl=0']);
    expect(await statusOf(`${cache.url}/repo.git`)).toBe(200);
    canonical.answer = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    expect(await statusOf(`${cache.url}/repo.git`)).toBe(200);
    await cache.logged(/reason="stale: /);
  });

  test('is silent: that costs a bounded delay, and once', async () => {
    const cache = await open(['--ttl=1s']);
    expect(await statusOf(`${cache.url}/repo.git`)).toBe(200);
    const asked = () => statusOf(`${cache.url}/repo.git`);
    canonical.before = () => new Promise(() => {});
    await untilNothing(async () => {
      await asked();
      return (await metric(cache, 'stale_total')) > 0 ? [] : ['it is young'];
    });
    await cache.logged(/cannot be fetched: no answer within 4000 ms/);
  });

  test.each([401, 403, 404, 410])(
    'answers %i: nobody gets it here, until canonical gives it again',
    async (status) => {
      const cache = await open(['--ttl=0']);
      const url = `${cache.url}/repo.git`;
      expect(await statusOf(url)).toBe(200);
      canonical.answer = (_, response) => {
        response.writeHead(status, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
        return true;
      };
      const answer = await ask({ url: cache.top, path: `/${host}/repo.git${LS_REFS}` });
      expect([answer.status, answer.body.toString()]).toEqual([
        404,
        `no http://${host}/repo.git for this cache: canonical answers ${status}\n`,
      ]);
      // Down now: what it said last counts.
      canonical.answer = (request) => {
        request.socket.destroy();
        return true;
      };
      expect(await statusOf(url)).toBe(502);
      canonical.answer = null;
      expect(await statusOf(url)).toBe(200);
    },
  );

  test('has no such repository', async () => {
    const cache = await open();
    const { stderr } = await sandbox.git(['clone', `${cache.url}/nope.git`, 'nope'], { expectStatus: 128 });
    expect(stderr).toContain(`remote: no http://${host}/nope.git for this cache: canonical answers 404`);
    expect(existsSync(sandbox.path(cache.folder, 'http'))).toBe(false);
  });

  test('has moved it: followed under the bases, and nowhere else', async () => {
    const elsewhere = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
    const cache = await open(['--ttl=0']);
    const lead =
      (to: string): HttpServer['answer'] =>
      (request, response) => {
        if (!request.url?.startsWith('/old.git')) return false;
        response.writeHead(301, { Location: `${to}${LS_REFS}` }).end();
        return true;
      };
    canonical.answer = lead(`${canonical.url}/repo.git`);
    await sandbox.git(['clone', '-q', `${cache.url}/old.git`, 'moved']);
    await sandbox.git(['fetch', '-q'], { cwd: 'moved' });
    canonical.answer = lead(`${elsewhere.url}/repo.git`);
    expect(await statusOf(`${cache.url}/old.git`)).toBe(404);
    await cache.logged(/is not for this cache: canonical leads to http:\/\/127\.0\.0\.1:[0-9]+\/repo\.git/);
    canonical.answer = lead(`${canonical.url}/old.git`);
    expect(await statusOf(`${cache.url}/old.git`)).toBe(404);
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });
});

describe('what it is not for', () => {
  test('is refused, and canonical never hears of it', async () => {
    const cache = await open([], undefined, [`${canonical.url}/group/`]);
    await cloneBare(sandbox, 'served/repo.git', 'served/group/inside.git');
    expect(await statusOf(`${cache.url}/group/inside.git`)).toBe(200);
    canonical.requests.length = 0;
    for (const path of [
      `/${host}/repo.git`,
      `/${host}/group/../repo.git`,
      `/${host}/group/%2e%2e/repo.git`,
      `/${host}/group%2f..%2frepo.git`,
      `/${host}/group/%252e%252e/repo.git`,
      `/${host}/group//inside.git`,
      `/${host}/group/inside.git/../../repo.git`,
      `/${host}/group/inside.git/objects`,
      `/${host}/groups/inside.git`,
      `/me@${host}/group/inside.git`,
      `/me:pw@${host}/group/inside.git`,
      `/localhost:${canonical.port}/group/inside.git`,
      `/127.0.0.1/group/inside.git`,
      `/127.1:${canonical.port}/group/inside.git`,
      `/http/127.0.0.1+${canonical.port}/group/inside.git`,
      '/locks/x',
      '/',
    ])
      expect([path, (await ask({ url: cache.top, path: `${path}${LS_REFS}` })).status]).toEqual([path, 404]);
    const { body } = await ask({ url: cache.top, path: `/${host}/repo.git${LS_REFS}` });
    expect(body.toString()).toBe(
      `this cache answers at /<host>/<path>, for what is under ${canonical.url}/group/\n`,
    );
    expect((await ask({ url: cache.top, path: `/${host}/group/inside.git/HEAD` })).status).toBe(404);
    expect(canonical.requests).toEqual([]);
  });

  test('is a push, which is told where to go', async () => {
    const cache = await open();
    await sandbox.git(['clone', '-q', `${cache.url}/repo.git`, 'pusher']);
    const { stderr } = await sandbox.git(['push', 'origin', 'HEAD:refs/heads/mine'], {
      cwd: 'pusher',
      expectStatus: 128,
    });
    expect(stderr).toContain(`remote: a cache takes no pushes; push to http://${host}/repo.git`);
  });

  test('is said, where a flag needs another one, in one line, and what to do in one more', async () => {
    for (const [words, said] of [
      [['--cache', 'x'], /^gam: --cache needs --for\ngam: name a URL .*\n$/],
      [['--for', 'https://h.example/'], /^gam: --for needs --cache\ngam: name a folder .*\n$/],
      [['--ttl', '5m'], /^gam: --ttl needs --cache\n/],
      [['--cache-size', '1g'], /^gam: --cache-size needs --cache\n/],
      [['--config', 'x'], /^gam: --config needs --upstream\n/],
      [['--tls-cert', 'x'], /^gam: --tls-cert needs --tls-key\n/],
      [
        ['--cache', 'x', '--for', 'https://h.example/', '--upstream', 'http://h/'],
        /^gam: --upstream and --cache are two servers\n/,
      ],
    ] as const) {
      const ended = await sandbox.run('gam', ['serve', ...words], { expectStatus: 2 });
      expect(ended.stderr).toMatch(said);
      expect(ended.stderr.split('\n')).toHaveLength(3);
    }
  });

  test('is said before anything is made', async () => {
    for (const [words, said] of [
      [['--cache', 'x', '--for', 'https://h.example/', '--check-mirrors'], /--check-mirrors is for the page/],
      [['--cache', 'x', '--for', 'ssh://h.example/'], /no base for a cache/],
      [['--cache', 'x', '--for', 'https://me:pw@h.example/'], /a login in it/],
      [['--cache', 'x', '--for', 'https://h.example/', '--ttl', 'soon'], /--ttl/],
      [['--cache', 'x', '--for', 'https://h.example/', '--cache-size', 'large'], /--cache-size/],
      [['--cache', 'x', '--for', 'https://h.example/', 'y'], /a folder with repositories, and a cache/],
    ] as const) {
      const ended = await sandbox.run('gam', ['serve', '--listen=127.0.0.1:0', ...words], {
        expectStatus: null,
      });
      expect(ended.status).not.toBe(0);
      expect(ended.stderr).toMatch(said);
      expect(ended.stderr).not.toContain('pw');
    }
    expect(existsSync(sandbox.path('x'))).toBe(false);
  });
});

test('killed in the middle, it has nothing half done; the next one cleans up', async () => {
  const cache = await open();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  canonical.before = async ({ method }) => (method === 'POST' ? held : undefined);
  const client = sandbox.start('git', ['ls-remote', `${cache.url}/repo.git`]);
  expect(await untilNothing(() => (fetches() > 0 ? [] : ['nothing is on its way']))).toEqual([]);
  // All at once, as where the machine stops: git removes what it has begun when it is only told to end.
  cache.signal('SIGSTOP');
  const gits = sandbox.living().filter(({ command }) => /^(?:\S*\/)?git[ -]/.test(command));
  signalAll(
    gits.map(({ pid }) => pid),
    'SIGKILL',
  );
  cache.signal('SIGKILL');
  await cache.ended;
  expect((await client.ended).status).not.toBe(0);
  const half = () =>
    readdirSync(sandbox.path(cache.folder, 'tmp')).flatMap((name) =>
      readdirSync(sandbox.path(cache.folder, 'tmp', name)),
    );
  expect(half()).toHaveLength(1);
  expect(existsSync(sandbox.path(cache.folder, 'http'))).toBe(false);
  release();
  await expectNoChildren(sandbox);
  const next = await open([], cache.folder);
  expect(half()).toEqual([]);
  await sandbox.git(['clone', '-q', `${next.url}/repo.git`, 'after-the-kill']);
  await expectClean(sandbox, 'after-the-kill');
});

test('killed, it leaves no git behind that waits for a canonical which has gone silent', async () => {
  const cache = await open();
  canonical.before = async ({ method }) => (method === 'POST' ? new Promise(() => undefined) : undefined);
  const client = sandbox.start('git', ['ls-remote', `${cache.url}/repo.git`]);
  expect(await untilNothing(() => (fetches() > 0 ? [] : ['nothing is on its way']))).toEqual([]);
  cache.signal('SIGKILL');
  await Promise.all([cache.ended, client.ended]);
  await expectNoChildren(sandbox);
});

test('killed while it refreshes, with the locks that git had: the next one gets by', async () => {
  const source = await copyOf('locked');
  const cache = await open(['--ttl=0']);
  expect(await statusOf(`${cache.url}/locked.git`)).toBe(200);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  canonical.before = () => held;
  canonical.requests.length = 0;
  const client = sandbox.start('git', ['ls-remote', `${cache.url}/locked.git`]);
  expect(await untilNothing(() => (canonical.requests.length > 0 ? [] : ['nobody has asked']))).toEqual([]);
  cache.signal('SIGKILL');
  await Promise.all([cache.ended, client.ended]);
  release();
  await expectNoChildren(sandbox);
  const copy = `${cache.folder}/http/127.0.0.1+${canonical.port}/locked.git`;
  await sandbox.run('touch', ['packed-refs.lock', 'HEAD.lock', 'refs/heads/main.lock'], { cwd: copy });
  await addCommits(sandbox, source, 2, {});
  await sandbox.git(['symbolic-ref', 'HEAD', 'refs/heads/other'], { cwd: source });
  await sandbox.git(['branch', 'other', 'main'], { cwd: source });
  const next = await open(['--ttl=0'], cache.folder);
  await sandbox.git(['clone', '-q', '--mirror', `${next.url}/locked.git`, 'after-the-locks']);
  await expectSameRefs(sandbox, 'after-the-locks', source, asMirrored);
});

test('told to stop, it ends what it fetches', async () => {
  const cache = await open();
  canonical.before = () => new Promise(() => {});
  const client = sandbox.start('git', ['ls-remote', `${cache.url}/repo.git`]);
  expect(await untilNothing(() => (canonical.requests.length > 0 ? [] : ['nobody has asked']))).toEqual([]);
  expect(await cache.stop()).toMatchObject({ status: 0 });
  expect((await client.ended).status).not.toBe(0);
  await expectNoChildren(sandbox);
  expect(readdirSync(sandbox.path(cache.folder, 'tmp'))).toEqual([]);
  expect(readdirSync(sandbox.path(cache.folder, 'locks'))).toEqual([]);
});

test('room is made by removing what nobody has come for longest', async () => {
  const names = ['first', 'second', 'third'];
  for (const name of names) await copyOf(name);
  const { stdout } = await sandbox.run('du', ['-sk', 'served/first.git']);
  const kib = Number(stdout.split('\t')[0]);
  const cache = await open([`--cache-size=${Math.round(kib * 2.4)}k`]);
  for (const name of ['first', 'second', 'first', 'third'])
    expect(await statusOf(`${cache.url}/${name}.git`)).toBe(200);
  await cache.logged(/^gam: removed http\/127\.0\.0\.1\+[0-9]+\/second\.git to make room$/m);
  expect(readdirSync(sandbox.path(cache.folder, 'http', `127.0.0.1+${canonical.port}`)).sort()).toEqual([
    'first.git',
    'third.git',
  ]);
  expect(await metric(cache, 'evictions_total')).toBe(1);
  expect(await statusOf(`${cache.url}/second.git`)).toBe(200);
});

test('what is being served is not removed, also not by another server', async () => {
  const tip = await makeLarge(sandbox, 'served/large.git', 24);
  const one = await open();
  expect(await statusOf(`${one.url}/large.git`)).toBe(200);
  const { body, ...request } = fetchRequest(`/${host}/large.git`, tip);
  const { sent, answer } = begin({ url: one.top, ...request });
  sent.end(body);
  const message = await answer;
  await once(message, 'readable');
  // It has no room for anything, and looks when it starts, and whenever it is done with something.
  const other = await open(['--cache-size=1k'], one.folder);
  expect(await statusOf(`${other.url}/repo.git`)).toBe(200);
  await other.logged(/^gam: removed .*\/repo\.git to make room$/m);
  let bytes = 0;
  for await (const chunk of message) bytes += (chunk as Buffer).length;
  expect(bytes).toBeGreaterThan(24 * 2 ** 20);
  expect(await statusOf(`${other.url}/repo.git`)).toBe(200);
  await other.logged(/^gam: removed .*\/large\.git to make room$/m);
});

test('what cannot be written is one line, and what is here is served on', async () => {
  await makeLarge(sandbox, 'served/too-large.git', 4);
  const cache = await open([], undefined, undefined, { fileLimit: 2048 });
  expect(await statusOf(`${cache.url}/repo.git`)).toBe(200);
  expect(await statusOf(`${cache.url}/too-large.git`)).toBe(502);
  await cache.logged(
    new RegExp(`^gam: http://${host}/too-large\\.git cannot be fetched: .+ \\([0-9]+ ms\\)$`, 'm'),
  );
  expect(
    readdirSync(sandbox.path(cache.folder, 'tmp')).flatMap((name) =>
      readdirSync(sandbox.path(cache.folder, 'tmp', name)),
    ),
  ).toEqual([]);
  await sandbox.git(['clone', '-q', `${cache.url}/repo.git`, 'on-a-full-disk']);
  await expectClean(sandbox, 'on-a-full-disk');
});

test('a symbolic link leads nowhere', async () => {
  mkdirSync(sandbox.path('linked/http'), { recursive: true });
  mkdirSync(sandbox.path('outside'));
  symlinkSync(sandbox.path('outside'), sandbox.path('linked/http', `127.0.0.1+${canonical.port}`));
  const cache = await open([], 'linked');
  expect(await statusOf(`${cache.url}/repo.git`)).toBe(502);
  expect(readdirSync(sandbox.path('outside'))).toEqual([]);
});

test("canonical sees the cache's own login, and nothing of a client's", async () => {
  const login = { user: 'cache', password: 'its-own' };
  const guarded = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv, login });
  const base = `${guarded.url}/`;
  const asAnn = (url: string) =>
    sandbox.git(['ls-remote', url.replace('//', '//ann:secret@')], { expectStatus: null });
  const poor = await open([], undefined, [base]);
  const path = `/127.0.0.1:${guarded.port}/repo.git`;
  expect((await asAnn(`${poor.top}${path}`)).stderr).toContain('canonical answers 401');
  const helper = `!f() { echo username=${login.user}; echo password=${login.password}; }; f`;
  const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'credential.helper', GIT_CONFIG_VALUE_0: helper };
  const rich = await open([], undefined, [base], { env });
  expect(await asAnn(`${rich.top}${path}`)).toMatchObject({ status: 0 });
  const shown = guarded.requests.map(({ headers }) => headers.authorization).filter(Boolean);
  const own = `Basic ${Buffer.from('cache:its-own').toString('base64')}`;
  expect([...new Set(shown)]).toEqual([own]);
  await guarded.close();
});

test('as a mirror of the helper: the bulk from here, of canonical only what a fetch with nothing new takes', async () => {
  const line = await openLine({ to: canonical.port, latency: 20 });
  const cache = await open();
  const far = `http://127.0.0.1:${line.port}`;
  // What it is a cache of is near to it, and its users are far from that.
  const config = ['-c', `mirror.${far}/.url=${cache.url}/`];
  for (const user of ['one', 'two']) {
    canonical.requests.length = 0;
    const before = line.bytesDown;
    const { stderr } = await sandbox.git([...config, 'clone', `mirror::${far}/repo.git`, `user-${user}`]);
    expect(stderr).toMatch(/from 127\.0\.0\.1.* saved\)/);
    await expectSameRefs(sandbox, `user-${user}`, 'served/repo.git', asCloned);
    await expectClean(sandbox, `user-${user}`);
    expect(line.bytesDown - before).toBeLessThan(4000);
  }
  await addCommits(sandbox, 'served/repo.git', 30, {});
  await sandbox.git([...config, 'fetch', '-q'], { cwd: 'user-one' });
  await expectClean(sandbox, 'user-one');
  await line.close();
});
