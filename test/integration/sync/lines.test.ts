import { randomBytes } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findWorkTree } from '../../../src/git/work-tree.ts';
import { exchange } from '../../../src/sync/exchange.ts';
import { expectClean, expectNoChildren } from '../../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { openLine } from '../../helpers/line.ts';
import { closedPort } from '../../helpers/listening.ts';
import { cloneBare, setOrigin } from '../../helpers/repository.ts';
import { openSyncScenes, type SyncScenes } from '../../helpers/sync-scene.ts';

let scenes: SyncScenes;
let server: HttpServer;

beforeAll(async () => {
  scenes = await openSyncScenes();
  const { sandbox } = scenes;
  // A machine that is busy is no reason to leave a mirror.
  appendFileSync(sandbox.path('home/.gitconfig'), '[gam]\n\tconnectTimeout = 60s\n\tlowSpeedTime = 60s\n');
  server = await startHttpServer({ root: sandbox.root, env: sandbox.serverEnv, push: true });
});

afterEach(() => {
  server.before = null;
  server.answer = null;
});

afterAll(async () => {
  await server.close();
  await scenes.sandbox.close();
});

/** Resolves when a request of this kind has come; it is answered never. */
function silentAt(part: string): Promise<void> {
  return new Promise((resolve) => {
    server.before = async ({ url = '' }) => {
      if (!url.includes(part)) return;
      resolve();
      await new Promise(() => undefined);
    };
  });
}

test('the bulk comes from a mirror, and the rest and the truth from the remote; a rehearsal moves no ref', async () => {
  const { sandbox, git, commit, sync, tip } = scenes;
  const { here, there, remote } = await scenes.scene('mirrored');
  writeFileSync(sandbox.path(there, 'bulk'), randomBytes(1 << 20));
  await git(there, 'add', 'bulk');
  await commit(there, 'small', 'small\n');
  await git(there, 'push', '-q', 'origin', 'main');
  await cloneBare(sandbox, remote, 'mirrored/mirror.git');
  await commit(there, 'last', 'last\n');
  await git(there, 'push', '-q', 'origin', 'main');
  await git('mirrored', 'clone', '-q', '--bare', 'here', 'rehearsed');
  await git('mirrored/rehearsed', 'config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
  const mirror = await startHttpServer({ root: sandbox.root, env: sandbox.serverEnv });
  try {
    const url = `${server.url}/${remote}`;
    for (const clone of [here, 'mirrored/rehearsed']) {
      const before = { canonical: server.bytesOut, mirror: mirror.bytesOut };
      setOrigin(sandbox, clone, { url, mirrorUrl: `${mirror.url}/mirrored/mirror.git` });
      const refs = await git(clone, 'for-each-ref');
      const isRehearsal = clone !== here;
      await commit(here, 'mine', clone);
      const said = await sync(clone, isRehearsal ? ['--dry-run'] : []);
      expect(said).toMatchObject({ status: 0 });
      expect(mirror.bytesOut - before.mirror).toBeGreaterThan(1 << 20);
      expect(server.bytesOut - before.canonical).toBeLessThan(1 << 16);
      await expectClean(sandbox, clone);
      if (isRehearsal) expect(await git(clone, 'for-each-ref')).toBe(refs);
      else expect(await tip(here)).toBe(await tip(remote));
    }
  } finally {
    await mirror.close();
  }
});

test('another pusher between fetch and push, over http', async () => {
  const { git, commit, sync, tip, sandbox } = scenes;
  const { here, there, remote } = await scenes.scene('raced');
  setOrigin(sandbox, here, { url: `${server.url}/${remote}` });
  await commit(here, 'mine', 'mine\n');
  let turns = 0;
  server.before = async ({ url = '', method }) => {
    if (method !== 'POST' || !url.endsWith('/git-receive-pack') || turns === 2) return;
    turns += 1;
    await commit(there, `theirs${turns}`, 'x\n');
    await git(there, 'push', '-q', '../remote.git', 'main');
  };
  expect((await sync(here)).stdout).toContain('main merged with origin');
  expect(turns).toBe(2);
  expect(await tip(here)).toBe(await tip(remote));
  expect(await git(remote, 'rev-list', '--count', '--merges', 'main')).toBe('1');
});

test('a branch that is set back, or removed, between fetch and push does not come back by that', async () => {
  const { commit, sync, tip, git, sandbox } = scenes;
  const { here, remote } = await scenes.scene('lease');
  setOrigin(sandbox, here, { url: `${server.url}/${remote}` });
  const base = await tip(remote);
  await commit(here, 'a', 'a\n');
  await sync(here);
  await commit(here, 'b', 'b\n');
  for (const change of [
    ['update-ref', 'refs/heads/main', base],
    ['update-ref', '-d', 'refs/heads/main'],
  ]) {
    server.before = async ({ url = '' }) => {
      if (url.endsWith('service=git-receive-pack')) await git(remote, ...change);
    };
    expect((await sync(here, ['--once'])).stderr).toContain('origin has moved meanwhile');
    expect(await tip(remote)).toBe(change[2] === base ? base : '');
  }
});

test('a remote that is not there, declines, or talks nonsense is told without any password, and nothing is changed', async () => {
  const { commit, sync, tip, sandbox, git } = scenes;
  const { here, remote } = await scenes.scene('unwilling');
  const mine = await commit(here, 'mine', 'mine\n');
  const before = await tip(remote);
  const local = `127.0.0.1:${server.port}`;
  const login = 'me:secret@';
  const expectTold = async (words: RegExp) => {
    const said = await sync(here);
    expect(said).toMatchObject({ status: 1, stdout: '' });
    expect(said.stderr).toMatch(words);
    expect(said.stderr).not.toContain('secret');
    expect([await tip(here), await tip(remote)]).toEqual([mine, before]);
  };
  setOrigin(sandbox, here, { url: `http://${login}127.0.0.1:${await closedPort()}/x` });
  await expectTold(/^gam: origin cannot be reached: unable to access 'http:\/\/127/);
  setOrigin(sandbox, here, { url: `http://${login}${local}/${remote}` });
  const answerWith = (status: number, body = '') => {
    server.answer = (request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'application/x-git-upload-pack-advertisement' }).end(body);
      return true;
    };
  };
  answerWith(401);
  await expectTold(/^gam: origin cannot be reached: Authentication failed for 'http:\/\/127/);
  answerWith(200, '001e# service=git-upload-pack\nnonsense');
  await expectTold(/^gam: origin cannot be reached: \S/);
  // Whoever may only read.
  server.answer = (request, response) => {
    if (!request.url?.includes('receive-pack')) return false;
    request.resume();
    response.writeHead(403).end();
    return true;
  };
  await expectTold(/^gam: origin could not be pushed to: unable to access .* error: 403\n/);
  server.answer = null;
  await sync(here);
  expect(await tip(remote)).toBe(mine);
  expect(await git(here, 'for-each-ref', 'refs/mirror')).toBe('');
});

test('one that falls silent is waited for as long as patience says, wherever that is', async () => {
  const { commit, git, tip, sandbox } = scenes;
  const { here, there, remote } = await scenes.scene('silent');
  writeFileSync(sandbox.path(there, 'bulk'), randomBytes(1 << 18));
  await git(there, 'add', 'bulk');
  await commit(there, 'theirs', 'theirs\n');
  await git(there, 'push', '-q', 'origin', 'main');
  const mine = await commit(here, 'mine', 'mine\n');
  const line = await openLine({ to: server.port });
  setOrigin(sandbox, here, { url: `http://127.0.0.1:${line.port}/${remote}` });
  const run = { cwd: sandbox.path(here), env: sandbox.env };
  const workTree = await findWorkTree(run);
  // An honest answer comes sooner, also on a machine that is busy.
  const patienceMs = 8000;
  const exchanged = () =>
    exchange({
      run,
      workTree,
      remote: 'origin',
      branch: 'main',
      remoteRef: 'refs/heads/main',
      onConflict: 'stop',
      allowUnrelated: false,
      allowDirty: false,
      isRehearsal: false,
      attempts: 1,
      patienceMs,
    });
  try {
    const silent = (what: string) => ({
      code: 'remote-unreachable',
      message: `origin ${what}: no answer for 8 s`,
    });
    line.setFault({ kind: 'stall' });
    await expect(exchanged()).rejects.toMatchObject(silent('cannot be reached'));
    // In the middle of a pack.
    line.setFault({ kind: 'stall', after: 50_000 });
    await expect(exchanged()).rejects.toMatchObject(silent('could not be fetched from'));
    line.setFault(null);
    void silentAt('/git-receive-pack');
    await expect(exchanged()).rejects.toMatchObject(silent('could not be pushed to'));
    expect(await tip(here)).toBe(mine);
    await expectNoChildren(sandbox);
    server.before = null;
    expect(await exchanged()).toMatchObject({ kind: 'merged' });
    expect(await tip(here)).toBe(await tip(remote));
  } finally {
    await line.close();
  }
});

test.each([
  ['SIGINT', 130, '/info/refs?service=git-upload-pack'],
  ['SIGTERM', 143, '/info/refs?service=git-receive-pack'],
  ['SIGKILL', null, '/info/refs?service=git-receive-pack'],
] as const)(
  '%s while the remote is silent ends all of it, and the next one is not blocked',
  async (signal, status, part) => {
    const { commit, sync, tip, sandbox } = scenes;
    const { here, remote } = await scenes.scene(signal);
    setOrigin(sandbox, here, { url: `${server.url}/${remote}` });
    const mine = await commit(here, 'mine', 'mine\n');
    const asked = silentAt(part);
    const { child, ended } = sandbox.start('gam', ['sync'], { cwd: here });
    await asked;
    child.kill(signal);
    expect(await ended).toMatchObject({ status, stdout: '', stderr: '' });
    await expectNoChildren(sandbox);
    server.before = null;
    expect((await sync(here, ['--once'])).stdout).toContain('main pushed to origin');
    expect(await tip(remote)).toBe(mine);
    await expectClean(sandbox, here);
  },
);
