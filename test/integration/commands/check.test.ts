import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { type Line, type LineOptions, openLine } from '../../helpers/line.ts';
import { closedPort } from '../../helpers/listening.ts';
import { addCommits, cloneBare } from '../../helpers/repository.ts';
import { type Scene, setScene } from '../../helpers/scene.ts';

const KEYS =
  'url site canonical source preferred state reason latencyMs bytesPerSecond lag lagSeconds staleSeconds'.split(
    ' ',
  );

interface Checked {
  url: string;
  state: string;
  reason: string | null;
  latencyMs: number;
  bytesPerSecond: number;
  lag: number | null;
  lagSeconds: number | null;
}

let scene: Scene;
let closing: { close(): Promise<void> }[];
let work: string;
beforeEach(async () => {
  closing = [];
  // `mirror.git` is five commits behind, and its files are large enough to tell the rate.
  scene = await setScene({ transport: 'http', bulk: 2 * 1024 ** 2 });
  work = await scene.copy('work');
  await scene.sandbox.git(['fetch', '-q'], { cwd: work });
  await scene.sandbox.git(['config', '--unset-all', 'remote.origin.mirrorUrl'], { cwd: work });
  await scene.sandbox.run('rm', ['-rf', scene.sandbox.path('home/.local/state')]);
});
afterEach(async () => {
  for (const one of closing) await one.close();
  await scene.close();
});

async function line(options: Partial<LineOptions> = {}): Promise<Line & { url: string }> {
  const opened = await openLine({ to: scene.server.port, ...options });
  closing.push(opened);
  return Object.assign(opened, { url: `http://127.0.0.1:${opened.port}` });
}

async function check(mirrors: readonly string[], expectStatus = 0, ...config: string[]): Promise<Checked[]> {
  for (const url of mirrors)
    await scene.sandbox.git(['config', '--add', 'remote.origin.mirrorUrl', url], { cwd: work });
  for (const pair of config) {
    const [key = '', value = ''] = pair.split('=');
    await scene.sandbox.git(['config', key, value], { cwd: work });
  }
  const { stdout } = await scene.sandbox.run('gam', ['mirrors', 'check', '--json'], {
    cwd: work,
    expectStatus,
  });
  await expectNoChildren(scene.sandbox);
  const all = JSON.parse(stdout) as Checked[];
  for (const one of all) expect(Object.keys(one)).toEqual(KEYS);
  return all;
}

describe('gam mirrors check', () => {
  test('measures all side by side, by http and by path, and says why one cannot be used', async () => {
    const { sandbox, server } = scene;
    await cloneBare(sandbox, 'served/canonical.git', 'served/fresh.git');
    const far = await line({ latency: 100 });
    const urls = {
      far: `${far.url}/fresh.git`,
      near: `${server.url}/fresh.git`,
      stale: scene.mirror,
      path: sandbox.path('served/fresh.git'),
      gone: `${server.url}/gone.git`,
      dead: `http://127.0.0.1:${await closedPort()}/r.git`,
      refused: 'ext::sh -c x',
    };
    const all = await check(Object.values(urls));
    expect(all.map(({ url }) => url)).toEqual(Object.values(urls));
    const of = Object.fromEntries(Object.keys(urls).map((name, index) => [name, all[index] as Checked]));
    for (const name of ['far', 'near', 'path'])
      expect(of[name]).toMatchObject({ state: 'ready', reason: null, lag: 0, lagSeconds: 0 });
    expect(of['stale']).toMatchObject({ state: 'ready', lag: 5 });
    expect(of['stale']?.lagSeconds).toBeGreaterThan(0);
    expect(of['gone']).toMatchObject({
      state: 'failed',
      reason: 'answers with http status 404',
      latencyMs: null,
    });
    expect(of['dead']?.reason).toMatch(/ECONNREFUSED/);
    expect(of['refused']).toMatchObject({ state: 'refused', reason: 'a URL for another remote helper' });
    expect(of['far']?.latencyMs).toBeGreaterThan(200);
    expect(of['near']?.latencyMs).toBeLessThan(of['far']?.latencyMs ?? 0);
    for (const name of ['far', 'near', 'path', 'stale']) expect(of[name]?.bytesPerSecond).toBeGreaterThan(0);

    // The next fetch, and the list, go by it.
    const { stdout } = await sandbox.run('gam', ['mirrors', 'list', '--json'], { cwd: work });
    const ranked = (JSON.parse(stdout) as Checked[]).map(({ url }) => url);
    expect(ranked.indexOf(urls.near)).toBeLessThan(ranked.indexOf(urls.far));
    expect(ranked.slice(-2).toSorted()).toEqual([urls.dead, urls.gone].toSorted());
    await addCommits(sandbox, 'served/canonical.git', 3, { seed: 21 });
    const table = await sandbox.run('gam', ['mirrors', 'check'], { cwd: work });
    expect(table.stdout).toMatch(/^STATE +LATENCY +RATE +LAG +URL\n(?:failed|ready|refused) /);
    expect(table.stdout).toMatch(/^refused: ext::sh -c x: a URL for another remote helper$/m);
  });

  test('of a mirror whose commits are not here says nothing of the lag', async () => {
    await addCommits(scene.sandbox, 'served/mirror.git', 3, { seed: 33 });
    expect(await check([scene.mirror])).toMatchObject([{ state: 'ready', lag: null, lagSeconds: null }]);
  });

  test('outside a repository needs a URL; level with canonical can be told there, too', async () => {
    const { sandbox, server, canonical } = scene;
    await cloneBare(sandbox, 'served/canonical.git', 'other/canonical.git');
    const other = await startHttpServer({ root: sandbox.path('other'), env: sandbox.serverEnv });
    closing.push(other);
    await sandbox.git(['config', '--global', `mirror.${server.url}/.url`, `${other.url}/`]);
    mkdirSync(sandbox.path('outside'));
    const env = { GIT_CEILING_DIRECTORIES: sandbox.root };
    const usage = await sandbox.run('gam', ['mirrors', 'check'], { cwd: 'outside', env, expectStatus: 2 });
    expect(usage.stderr).toMatch(/^gam: outside a repository a URL is needed$/m);
    const { stdout } = await sandbox.run('gam', ['mirrors', 'check', canonical, '--json'], {
      cwd: 'outside',
      env,
    });
    expect(JSON.parse(stdout)).toMatchObject([{ url: `${other.url}/canonical.git`, state: 'ready', lag: 0 }]);
  });

  test('with no mirror that can be used ends with 1', async () => {
    expect(await check([], 1)).toEqual([]);
    expect(await check(['ext::x', `${scene.server.url}/gone.git`], 1)).toHaveLength(2);
  });

  test('takes a bounded sample: a mebibyte, or three seconds', async () => {
    const wide = await line();
    const thin = await line({ download: 1_000_000 });
    const all = await check([`${wide.url}/mirror.git`, `${thin.url}/mirror.git`]);
    expect(all).toMatchObject([{ state: 'ready' }, { state: 'ready' }]);
    expect(thin.bytesDown).toBeLessThan(1024 ** 2);
    expect(all[1]?.bytesPerSecond).toBeLessThan(250_000);
    expect(all[1]?.bytesPerSecond).toBeGreaterThan(30_000);
    expect(all[0]?.bytesPerSecond).toBeGreaterThan(all[1]?.bytesPerSecond ?? 0);
  });
});

describe('a mirror that is checked', () => {
  async function serve(answer: HttpServer['answer']): Promise<HttpServer> {
    const server = await startHttpServer({
      root: scene.sandbox.path('served'),
      env: scene.sandbox.serverEnv,
    });
    closing.push(server);
    server.answer = answer;
    return server;
  }

  test('cannot lead elsewhere, and sees no credential that is not its own', async () => {
    const other = await serve(null);
    const mirror = await serve((request, response) => {
      response.writeHead(302, { location: `${other.url}${request.url}`, 'set-cookie': 'a=b' }).end();
      return true;
    });
    const settings = [
      'http.extraHeader=Authorization: Bearer secret',
      'credential.helper=!echo password=secret',
    ];
    const url = `${mirror.url}/mirror.git`;
    expect(await check([url], 1, ...settings)).toMatchObject([
      { state: 'failed', reason: 'redirects, which is refused' },
    ]);
    expect(other.requests).toEqual([]);
    expect(mirror.requests.length).toBeGreaterThan(0);
    expect(JSON.stringify(mirror.requests)).not.toMatch(/secret|authorization|cookie/i);
  });

  test('is looked at by git where a header is scoped to it, which only it may see', async () => {
    const mirror = await serve(null);
    const url = `${mirror.url}/mirror.git`;
    const all = await check([url, scene.mirror], 0, `http.${mirror.url}/.extraHeader=X-Own: mine`);
    expect(all).toMatchObject([{ state: 'ready' }, { state: 'ready' }]);
    expect(mirror.requests.every(({ headers }) => headers['x-own'] === 'mine')).toBe(true);
    expect(scene.server.requests.some(({ headers }) => headers['x-own'] !== undefined)).toBe(false);
  });

  test('cannot keep anyone waiting, nor fill the memory', async () => {
    const silent = await serve(() => true);
    const endless = await serve((request, response) => {
      if (request.method !== 'POST') return false;
      const ref = `0046${'1'.repeat(40)} refs/heads/${'x'.repeat(13)}\n`.repeat(1000);
      const more = () => {
        while (!response.destroyed && response.write(ref));
      };
      response.writeHead(200).on('drain', more);
      more();
      return true;
    });
    const urls = [`${silent.url}/mirror.git`, `${endless.url}/mirror.git`, scene.mirror];
    const all = await check(urls, 0, 'gam.connectTimeout=700ms');
    expect(all.map(({ reason }) => reason)).toEqual([
      'no answer within 0.7 s',
      'sent an endless answer',
      null,
    ]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is left at once at %s', async (signal, status) => {
    let asked: () => void;
    const contacted = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const silent = await serve(() => {
      asked();
      return true;
    });
    const { sandbox } = scene;
    await sandbox.git(['config', '--add', 'remote.origin.mirrorUrl', `${silent.url}/r`], { cwd: work });
    await sandbox.git(['config', 'gam.connectTimeout', '60s'], { cwd: work });
    const running = sandbox.start('gam', ['mirrors', 'check'], { cwd: work });
    await contacted;
    running.kill(signal);
    expect(await running.ended).toMatchObject({ status, stdout: '', stderr: '' });
    await expectNoChildren(sandbox);
  });
});
