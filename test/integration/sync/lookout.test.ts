import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import { type Lookout, lookoutFor } from '../../../src/sync/lookout.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { openSyncScenes, type SyncScenes } from '../../helpers/sync-scene.ts';

/** Milliseconds between two looks, by a line that is kept open, or by files; and where git has to be started. */
const NEAR = 1000;
const FAR = 10_000;

let scenes: SyncScenes;
let lookout: Lookout | null = null;
beforeAll(async () => {
  scenes = await openSyncScenes();
});
afterAll(() => scenes.sandbox.close());
afterEach(async () => {
  await lookout?.close();
  lookout = null;
});

type Variable = [key: string, value: string];

/** A lookout for main at origin, from a folder of the sandbox. */
async function choose(
  cwd: string,
  variables: readonly Variable[],
  env: Readonly<Record<string, string>> = {},
): Promise<Lookout> {
  const { sandbox } = scenes;
  const entries = parseConfigList(variables.map(([key, value]) => `${key}\n${value}\0`).join(''));
  const run = { cwd: sandbox.path(cwd), env: { ...sandbox.env, ...env } };
  const pair = { remote: 'origin', branch: 'main', remoteRef: 'refs/heads/main' };
  lookout = await lookoutFor(pair, entries, 'sha1', { run, remote: 'origin', patienceMs: 30_000 });
  return lookout;
}

const { signal } = new AbortController();
const mark = async (one: Lookout) => (await one.look(signal)).mark;

describe('which way a remote is looked at', () => {
  const at = (url: string): Variable => ['remote.origin.url', url];
  const WEB = 'http://h.example/r.git';
  const SAFE = 'https://h.example/r.git';

  test.each<[string, Variable[], Record<string, string>, number]>([
    ['a path', [at('/r.git')], {}, NEAR],
    ['a file URL', [at('file:///r.git')], {}, NEAR],
    ['http', [at(WEB)], {}, NEAR],
    ['https', [at(SAFE)], {}, NEAR],
    ['through gam', [at(`mirror::${WEB}`)], {}, NEAR],
    ['what is rewritten to http', [at('h:r.git'), ['url.http://h.example/.insteadOf', 'h:']], {}, NEAR],
    ['a login for any server that asks for one', [at(SAFE), ['credential.helper', 'store']], {}, NEAR],
    ['http beside certificates', [at(WEB)], { GIT_SSL_CAINFO: '/ca' }, NEAR],
    ['https with an authority of its own', [at(SAFE)], { GIT_SSL_CAINFO: '/ca' }, FAR],
    ['https whose certificate is not checked', [at(SAFE), ['http.sslVerify', 'false']], {}, FAR],
    ['a login in the URL', [at('https://me:secret@h.example/r.git')], {}, FAR],
    ['a name in the URL', [at('https://me@h.example/r.git')], {}, FAR],
    ['a proxy', [at(WEB), ['http.proxy', 'http://p.example']], {}, FAR],
    ['a proxy of the remote', [at(WEB), ['remote.origin.proxy', 'http://p.example']], {}, FAR],
    ['a proxy of everybody', [at(WEB)], { http_proxy: 'http://p.example' }, FAR],
    ['a header for this server', [at(WEB), [`http.${WEB}.extraHeader`, 'X: y']], {}, FAR],
    ['what is rewritten to ssh', [at(SAFE), ['url.git@h.example:.insteadOf', 'https://h.example/']], {}, FAR],
    ['ssh', [at('me@h.example:r.git')], {}, FAR],
    ['git', [at('git://h.example/r.git')], {}, FAR],
    ['what a helper of its own speaks', [at('ext::sh -c x')], {}, FAR],
    ['no URL at all', [], {}, FAR],
  ])('%s', async (_, variables, env, every) => expect((await choose('.', variables, env)).every).toBe(every));
});

describe('a repository on this machine', () => {
  const push = async (clone: string, file: string) => {
    await scenes.commit(clone, file, file);
    await scenes.git(clone, 'push', '-q', 'origin', 'HEAD:main');
  };
  const moves = async (one: Lookout, work: () => Promise<unknown>) => {
    const before = await mark(one);
    expect(await mark(one)).toBe(before);
    await work();
    expect(await mark(one)).not.toBe(before);
  };

  test('tells of every push, of refs that are packed, and of a branch that is gone', async () => {
    const { here, remote } = await scenes.scene('path');
    const one = await choose(here, [['remote.origin.url', '../remote.git']]);
    await moves(one, () => push(here, 'a'));
    await scenes.git(remote, 'pack-refs', '--all', '--prune');
    await moves(one, () => push(here, 'b'));
    await scenes.git(remote, 'pack-refs', '--all', '--prune');
    await moves(one, () => scenes.git(remote, 'update-ref', '-d', 'refs/heads/main'));
    // As fast as two machines can be.
    for (const file of ['c', 'd', 'e']) await moves(one, () => push(here, file));
  });

  test('is found as git finds it: without its .git, with files of its own, by a linked work tree', async () => {
    const { here, there, remote } = await scenes.scene('names');
    const bare = await choose(here, [['remote.origin.url', '../remote']]);
    await moves(bare, () => push(here, 'a'));
    const withFiles = await choose(here, [['remote.origin.url', '../there']]);
    await moves(withFiles, () => scenes.commit(there, 'b', 'b'));
    await scenes.git(remote, 'worktree', 'add', '-q', '--detach', '../linked', 'main');
    const linked = await choose(here, [['remote.origin.url', '../linked']]);
    await moves(linked, () => push(here, 'c'));
  });

  test('that is not there is an error for git to tell, and no work every second, until it is back', async () => {
    const { here, remote } = await scenes.scene('away');
    const { sandbox, tip } = scenes;
    const one = await choose(here, [['remote.origin.url', '../remote.git']]);
    renameSync(sandbox.path(remote), sandbox.path('away/elsewhere'));
    await expect(one.look(signal)).rejects.toThrow('origin cannot be reached');
    expect(one.every).toBe(FAR);
    renameSync(sandbox.path('away/elsewhere'), sandbox.path(remote));
    expect(await mark(one)).not.toBe('');
    expect(one.every).toBe(NEAR);
    // What stands there is no repository; of a bundle git knows where the branch stands.
    await scenes.git(here, 'bundle', 'create', '-q', '../b.bundle', 'main');
    await scenes.git(here, 'remote', 'set-url', 'origin', '../b.bundle');
    const bundle = await choose(here, [['remote.origin.url', '../b.bundle']]);
    expect((await bundle.look(signal)).tip).toBe(await tip(here));
    mkdirSync(sandbox.path('away/folder'));
    writeFileSync(sandbox.path('away/folder/.git'), 'gitdir: nowhere\n');
    const folder = await choose(here, [['remote.origin.url', '../folder']]);
    await folder.look(signal);
    expect(folder.every).toBe(FAR);
  });
});

describe('a server on the web', () => {
  let server: HttpServer | null = null;
  afterEach(() => server?.close());

  const serve = async (name: string, speaks: 'v2' | 'v0') => {
    const { sandbox } = scenes;
    const scene = await scenes.scene(name);
    server = await startHttpServer({ root: sandbox.path(name), env: sandbox.serverEnv, speaks });
    const url = `${server.url}/remote.git`;
    await scenes.git(scene.here, 'remote', 'set-url', 'origin', url);
    return { ...scene, server, one: await choose(scene.here, [['remote.origin.url', url]]) };
  };

  test('says where the branch stands, without git here', async () => {
    const { one, remote, here, server: web } = await serve('web', 'v2');
    const before = await scenes.tip(remote);
    expect(await one.look(signal)).toEqual({ mark: before, tip: before });
    expect(web.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /remote.git/git-upload-pack',
    ]);
    const pushed = await scenes.commit(here, 'a', 'a');
    await scenes.git(here, 'push', '-q', '../remote.git', 'HEAD:main');
    expect(await one.look(signal)).toEqual({ mark: pushed, tip: pushed });
    await scenes.git(remote, 'update-ref', '-d', 'refs/heads/main');
    expect(await one.look(signal)).toEqual({ mark: '', tip: null });
    expect(one.every).toBe(NEAR);
  });

  test('that does not answer plainly is asked by git from then on', async () => {
    const { one, remote, server: web } = await serve('old', 'v0');
    const tip = await scenes.tip(remote);
    expect(await one.look(signal)).toEqual({ mark: tip, tip });
    expect(one.every).toBe(FAR);
    web.requests.length = 0;
    expect(await one.look(signal)).toEqual({ mark: tip, tip });
    expect(web.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  test('that cannot be reached is an error, and is tried by the short way again', async () => {
    const { one, server: web, remote } = await serve('down', 'v2');
    let isDown = true;
    web.answer = (_, response) => {
      if (isDown) response.writeHead(503).end();
      return isDown;
    };
    await expect(one.look(signal)).rejects.toThrow('origin cannot be reached');
    // git has been asked, too, and is not to be each second.
    expect(one.every).toBe(FAR);
    isDown = false;
    expect((await one.look(signal)).tip).toBe(await scenes.tip(remote));
    expect(one.every).toBe(NEAR);
  });

  test('that was busy for a moment is not left to git for ever', async () => {
    const { one, server: web } = await serve('busy', 'v2');
    web.answer = (request, response) => {
      if (request.method !== 'POST' || request.headers['user-agent'] !== 'git/gam') return false;
      response.writeHead(503).end();
      return true;
    };
    await one.look(signal);
    expect(one.every).toBe(FAR);
    const later = performance.now() + 600_000;
    const clock = vi.spyOn(performance, 'now').mockReturnValue(later);
    try {
      expect(one.every).toBe(NEAR);
    } finally {
      clock.mockRestore();
    }
  });
});
