import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { expectClean, expectNoChildren, fsckComplaints } from '../../helpers/evidence.ts';
import { type Gate, openGate } from '../../helpers/gate.ts';
import { type GitDaemon, startGitDaemon } from '../../helpers/git-daemon.ts';
import { setOrigin } from '../../helpers/repository.ts';
import { expectFetched, type Scene, setScene } from '../../helpers/scene.ts';

// A mirror may take minutes, and servers hang up on whoever is silent for so long. Here canonical hangs up
// as soon as the mirror is asked for its pack, which is when git's request is held.

/** Notes who serves, and serves here; once `ssh-down` is there, nobody serves any more. */
const SSH = `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -G) exit 0 ;;
    -o | -p) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
shift
echo $$ >>"$SSH_PIDS"
[ -e "$SSH_DOWN" ] && exit 255
exec sh -c "exec $*"
`;

let scene: Scene;
let daemon: GitDaemon;
let gates: { git: Gate; http: Gate };
let ssh: Record<string, string>;

beforeAll(async () => {
  scene = await setScene({ transport: 'http' });
  const { sandbox, server } = scene;
  daemon = await startGitDaemon({ root: sandbox.path('served'), env: sandbox.serverEnv });
  gates = { git: await openGate(daemon.port), http: await openGate(server.port) };
  writeFileSync(sandbox.path('ssh'), SSH, { mode: 0o755 });
  ssh = {
    GIT_SSH_COMMAND: sandbox.path('ssh'),
    SSH_PIDS: sandbox.path('ssh-pids'),
    SSH_DOWN: sandbox.path('ssh-down'),
  };
});

afterAll(async () => {
  for (const gate of Object.values(gates)) await gate.close();
  await daemon.close();
  await scene.close();
});

beforeEach(() => {
  scene.server.answer = null;
  writeFileSync(scene.sandbox.path('ssh-pids'), '');
});

function sshPids(): number[] {
  return readFileSync(scene.sandbox.path('ssh-pids'), 'utf8').split('\n').filter(Boolean).map(Number);
}

/** Does something the first time that the mirror is asked for a pack. */
function whenHeld(act: () => void): { done: boolean } {
  const state = { done: false };
  scene.server.answer = (request) => {
    const mine = request.method === 'POST' && request.url?.startsWith('/mirror.git/') === true;
    if (!mine || state.done) return false;
    state.done = true;
    act();
    return false;
  };
  return state;
}

async function cloneOf(name: string, canonical: string): Promise<string> {
  const clone = await scene.copy(name);
  setOrigin(scene.sandbox, clone, { url: `mirror::${canonical}` });
  return clone;
}

function hangUpSsh(): void {
  for (const pid of sshPids()) process.kill(pid, 'SIGKILL');
}

test('ssh hangs up, and the session opens it again', async () => {
  const clone = await cloneOf('by-ssh', `host:${scene.sandbox.path('served/canonical.git')}`);
  const held = whenHeld(hangUpSsh);
  const { stderr } = await scene.sandbox.git(['fetch'], { cwd: clone, env: ssh });
  expect(held.done).toBe(true);
  expect(sshPids()).toHaveLength(2);
  expect(stderr).toMatch(/gam: .* from canonical/);
  await expectFetched(scene, clone);
});

test('a git server resets the line, and the session opens it again', async () => {
  const clone = await cloneOf('by-daemon', `git://127.0.0.1:${gates.git.port}/canonical.git`);
  const held = whenHeld(() => gates.git.hangUp('reset'));
  await scene.sandbox.git(['fetch'], { cwd: clone });
  expect(held.done).toBe(true);
  expect(gates.git.connections).toBe(2);
  await expectFetched(scene, clone);
});

test('an http server closes the connection that was kept alive', async () => {
  const clone = await cloneOf('by-http', `http://127.0.0.1:${gates.http.port}/canonical.git`);
  const held = whenHeld(() => gates.http.hangUp('end'));
  await scene.sandbox.git(['fetch'], { cwd: clone });
  expect(held.done).toBe(true);
  expect(gates.http.connections).toBeGreaterThan(1);
  await expectFetched(scene, clone);
});

test('nothing is left to ask canonical for when it hangs up', async () => {
  const complete = await setScene({ transport: 'http', ahead: 0 });
  try {
    const { sandbox, server } = complete;
    const clone = await complete.copy('complete');
    const url = `mirror::host:${sandbox.path('served/canonical.git')}`;
    setOrigin(sandbox, clone, { url });
    server.answer = () => {
      server.answer = null;
      hangUpSsh();
      return false;
    };
    await sandbox.git(['fetch'], { cwd: clone, env: ssh });
    await expectFetched(complete, clone);
  } finally {
    await complete.close();
  }
});

test.each(['end', 'reset'] as const)(
  'a shallow clone needs nothing more of a canonical that hangs up (%s)',
  async (how) => {
    const complete = await setScene({ transport: 'http', ahead: 0 });
    const { sandbox, server, mirror } = complete;
    const own = await startGitDaemon({ root: sandbox.path('served'), env: sandbox.serverEnv });
    const gate = await openGate(own.port);
    try {
      server.answer = () => {
        server.answer = null;
        gate.hangUp(how);
        return false;
      };
      const url = `mirror::git://127.0.0.1:${gate.port}/canonical.git`;
      const args = ['clone', '--depth=2', '-c', `remote.origin.mirrorUrl=${mirror}`, url, 'shallow'];
      const { stderr } = await sandbox.git(args);
      expect(stderr).toMatch(/^gam: .* from 127\.0\.0\.1:[0-9]+, .* saved\)$/m);
      expect(gate.connections).toBe(1);
      await expectNoChildren(sandbox);
      await expectClean(sandbox, 'shallow');
    } finally {
      await gate.close();
      await own.close();
      await complete.close();
    }
  },
);

test('canonical is gone for good: what was staged is kept, and the next fetch goes on from there', async () => {
  const { sandbox } = scene;
  const canonical = `host:${sandbox.path('served/canonical.git')}`;
  const clone = await cloneOf('gone', canonical);
  whenHeld(() => {
    writeFileSync(ssh['SSH_DOWN'] ?? '', '');
    hangUpSsh();
  });
  const ended = await sandbox.git(['fetch'], { cwd: clone, env: ssh, expectStatus: 128 });
  expect(ended.stderr).toMatch(/gam: canonical did not finish; .* kept, unverified, under refs\/mirror\//);
  expect(ended.stderr).toMatch(/^fatal: /m);
  expect(await scene.isUntouched(clone)).toBe(true);
  await expectNoChildren(sandbox);
  expect(await fsckComplaints(sandbox, clone)).toEqual([]);
  const { stdout } = await sandbox.git(['for-each-ref', '--format=%(refname)', 'refs/mirror'], {
    cwd: clone,
  });
  expect(stdout).toMatch(/^refs\/mirror\/127\.0\.0\.1\+[0-9]+\/heads\/main$/m);

  await sandbox.run('rm', ['ssh-down']);
  await sandbox.git(['fetch'], { cwd: clone, env: ssh });
  await expectFetched(scene, clone);
});

test("git's own web helper dies while the request is held", async () => {
  const clone = await cloneOf('helper-gone', scene.canonical);
  const held = whenHeld(() => {
    const isCanonical = ({ command }: { command: string }) => /remote-http origin /.test(command);
    for (const { pid } of scene.sandbox.living().filter(isCanonical)) process.kill(pid, 'SIGKILL');
  });
  const { status } = await scene.sandbox.git(['fetch'], { cwd: clone, expectStatus: null });
  expect(held.done).toBe(true);
  expect(status).toBe(128);
  await expectNoChildren(scene.sandbox);
  await scene.sandbox.git(['fetch'], { cwd: clone });
  await expectFetched(scene, clone);
});
