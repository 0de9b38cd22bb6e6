import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GamServe, gamServe } from '../helpers/gam-serve.ts';
import { cloneMember, type TestGroup, testGroup } from '../helpers/group.ts';
import { initBare } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

let sandbox: Sandbox;
let servers: GamServe[];
let group: TestGroup;

beforeEach(async () => {
  sandbox = makeSandbox();
  servers = [];
  group = testGroup(sandbox);
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await sandbox.close();
});

/** A server of its own for one repository; returns the URL of that. */
async function serve(id: string): Promise<string> {
  await initBare(sandbox, `${id}/project.git`);
  await sandbox.git(['config', 'http.receivePack', 'true'], { cwd: `${id}/project.git` });
  const server = await gamServe(sandbox, id, [], { timeout: 600_000 });
  servers.push(server);
  return `${server.url}/project.git`;
}

interface Pushed {
  /** What the last acknowledged push of each ref made it. */
  acknowledged: Map<string, string>;
  /** What git said to pushes. */
  said: string[];
}

/** People do not push without a pause, and three who did would keep two processors from all else. */
const PAUSE_MS = 1000;

/**
 * Works on as people do: commits, pushes to where it cloned from, and, once that server says where to push to, goes there.
 * @param stop when everything is over
 */
async function works(name: string, url: string, stop: AbortSignal): Promise<Pushed> {
  await cloneMember(sandbox, url, name);
  const pushed: Pushed = { acknowledged: new Map(), said: [] };
  for (let count = 1; !stop.aborted; count += 1) {
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', `${name} ${count}`], { cwd: name });
    const head = (await sandbox.git(['rev-parse', 'HEAD'], { cwd: name })).stdout.trim();
    const refs = [`refs/heads/${name}`, `refs/tags/${name}-${count}`];
    const push = ['push', 'origin', ...refs.map((ref) => `HEAD:${ref}`)];
    const { status, stderr } = await sandbox.git(push, { cwd: name, expectStatus: null });
    pushed.said.push(stderr);
    if (status === 0) for (const ref of refs) pushed.acknowledged.set(ref, head);
    const [, next] = /takes no pushes any more; push to (\S+?)\)?\n/.exec(stderr) ?? [];
    if (next !== undefined) await sandbox.git(['remote', 'set-url', 'origin', next], { cwd: name });
    await pause(PAUSE_MS, undefined, { signal: stop }).catch(() => undefined);
  }
  return pushed;
}

test('a repository moves to another server in five phases while it is pushed to, and nothing that was acknowledged is lost', async () => {
  const [from, to] = [await serve('old'), await serve('new')];
  const [there, here] = ['old/project', 'new/project'];
  const phase = async (id: string, ...words: string[]) => {
    const { stdout, stderr } = await group.replica(id, ['phase', ...words]);
    return stderr + stdout;
  };
  const stop = new AbortController();

  await group.replica(there, ['init', 'project', '--id', 'eu', '--url', from]);
  const work = ['anna', 'ben'].map((name) => works(name, from, stop.signal));
  try {
    expect(await phase(there)).toContain('phase 1 of 5: the old one alone');
    const secret = ['--secret', sandbox.path('old/project.git/gam/replica/secret')];
    await group.replica(here, ['join', from, '--id', 'us', '--url', to, '--role', 'follower', ...secret]);
    expect(await phase(there)).toContain('phase 2 of 5: the new one follows');
    expect(await phase(there, 'next')).toContain('phase 3 of 5: both are primaries');
    work.push(works('dora', to, stop.signal));
    expect(await phase(here, 'next')).toContain('phase 3 of 5: both are primaries, and the old one warns');
    const warned = await sandbox.git(['push', 'origin', 'HEAD:refs/heads/warned'], { cwd: 'anna' });
    expect(warned.stderr).toContain(`push to ${to} from now on`);
    expect(await phase(there, 'next')).toContain('phase 4 of 5: the old one follows');
    // A step back, and forth again.
    expect(await phase(here, 'back')).toContain('phase 3 of 5');
    const again = await phase(here, 'next');
    expect(again).toContain('phase 4 of 5');
    expect(again).not.toContain('in a moment');
    const list = await (await fetch(`${from}/info/mirrors`)).json();
    expect(list).toMatchObject({ state: 'refusing', successor: to });
    expect(await phase(there, 'next')).toContain('project.git.retired');
  } finally {
    stop.abort();
  }
  const all = await Promise.all(work);

  expect(existsSync(sandbox.path('old/project.git'))).toBe(false);
  expect((await group.replica(here, ['phase'])).stdout).toContain('phase 5 of 5: the new one alone');
  expect((await group.replica(here, ['arbiter'])).stdout).toBe('us\n');
  for (const { acknowledged, said } of all) {
    expect(acknowledged.size, said.join('')).toBeGreaterThan(1);
    for (const [ref, oid] of acknowledged) expect([ref, await group.ref(here, ref)]).toEqual([ref, oid]);
  }
  // Those who began at the old server have been told, and work on at the new one.
  for (const name of ['anna', 'ben']) {
    await sandbox.git(['remote', 'set-url', 'origin', to], { cwd: name });
    await sandbox.git(['push', 'origin', `HEAD:refs/heads/${name}`], { cwd: name });
  }
  await sandbox.git(['fsck', '--strict', '--connectivity-only'], { cwd: `${here}.git` });
});
