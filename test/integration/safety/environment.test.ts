import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilNothing } from '../../helpers/bystanders.ts';
import { type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';
import { cloneBare } from '../../helpers/repository.ts';

// Group 15: environment and configuration that point elsewhere, or run something.

let scene: HostileScene;
let path: string;

beforeAll(async () => {
  scene = await setHostileScene();
  await scene.behind();
  path = await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/mirror.git');
});

afterAll(() => scene.close());

function program(name: string, text: string): string {
  const file = scene.sandbox.path(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

function isPassing(name: string): boolean {
  return /tmp_|\.lock$|\.keep$/.test(name);
}

async function state(repository: string): Promise<string> {
  const { stdout } = await scene.sandbox.run('sh', ['-c', 'find . | sort; cat HEAD config packed-refs'], {
    cwd: repository,
    expectStatus: null,
  });
  return stdout;
}

test('GIT_DIR and friends that point elsewhere: nothing there changes, and no wrong repository is served', async () => {
  const { sandbox } = scene;
  const decoy = sandbox.path('decoy.git');
  await sandbox.git(['init', '-q', '--bare', decoy]);
  const before = await state('decoy.git');
  // git clone goes its own way with GIT_DIR, GIT_WORK_TREE and GIT_INDEX_FILE; a fetch obeys them.
  const variables = {
    GIT_WORK_TREE: sandbox.path('decoy-tree'),
    GIT_INDEX_FILE: sandbox.path('decoy-index'),
    GIT_GRAFT_FILE: '/dev/null',
    GIT_PREFIX: 'sub/',
    GIT_NAMESPACE: '',
  };
  mkdirSync(sandbox.path('decoy-tree'));
  for (const mirror of [path, `file://${path}`]) {
    const repository = await scene.behind();
    const env = { ...variables, GIT_DIR: sandbox.path(repository, '.git') };
    // Fetched from the decoy's folder: GIT_DIR says where.
    const outcome = await scene.fetch('decoy.git', mirror, { env });
    await scene.expectPassedOver({ ...outcome, repository });
    expect(await state('decoy.git')).toBe(before);
  }
});

test('GIT_OBJECT_DIRECTORY elsewhere: objects go there, as with plain git', async () => {
  const { sandbox } = scene;
  const repository = await scene.behind();
  const objects = sandbox.path('other-objects');
  mkdirSync(objects);
  const env = {
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: sandbox.path(repository, '.git/objects'),
  };
  const before = await sandbox.git(['count-objects', '-v'], { cwd: repository });
  const outcome = await scene.fetch(repository, path, { env });
  expect(outcome.status).toBe(0);
  expect(outcome.passedOver).toEqual([]);
  expect((await sandbox.git(['count-objects', '-v'], { cwd: repository })).stdout).toBe(before.stdout);
  const passing = () => readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter(isPassing);
  expect(await untilNothing(passing)).toEqual([]);
  await sandbox.run('sh', ['-c', `cp -a '${objects}'/. .git/objects/`], { cwd: repository });
  await scene.expectAsPlain({ ...outcome, repository });
});

test('a reference-transaction hook sees what it sees with plain git', async () => {
  const { sandbox } = scene;
  const log = sandbox.path('hook.log');
  for (const name of ['reference-transaction', 'post-checkout', 'post-merge', 'pre-auto-gc', 'update'])
    program(
      `hooks/${name}`,
      `echo "${name} $*" >>'${log}'\n[ "${name}" != update ] || exit 1\ncat >>'${log}'`,
    );
  const config = { 'core.hooksPath': sandbox.path('hooks') };
  const plain = await scene.fetch(await scene.behind(), [], { config });
  const expected = readFileSync(log, 'utf8');
  await sandbox.run('rm', [log]);
  const ours = await scene.fetch(await scene.behind(), path, { config });
  await scene.expectAsPlain(plain);
  await scene.expectPassedOver(ours);
  const seen = readFileSync(log, 'utf8');
  expect(seen).not.toContain('refs/mirror');
  expect(seen).toBe(expected);
  expect(expected).toContain('refs/remotes/origin/main');
});

test('hooks of the repository itself, and a hook that refuses everything', async () => {
  const repository = await scene.behind();
  const log = scene.sandbox.path('refusing.log');
  program(`${repository}/.git/hooks/reference-transaction`, `cat >>'${log}'; exit 1`);
  const outcome = await scene.fetch(repository, path);
  // The hook forbids what git itself wants to write: as with plain git, and staging is not what it sees.
  expect(outcome.status).not.toBe(0);
  expect(readFileSync(log, 'utf8')).not.toContain('refs/mirror');
});

test('core.sshCommand is git’s own way to ssh, for the mirror, too, and gets no shell text of the URL', async () => {
  const log = scene.sandbox.path('ssh.log');
  const ssh = program('my-ssh', `printf '%s|' "$@" >>'${log}'; exit 1`);
  const config = { 'core.sshCommand': ssh, 'ssh.variant': 'ssh' };
  const outcome = await scene.clone("ssh://me@host.example:2222/a b';touch MARKER'", { config });
  await scene.expectPassedOver(outcome, /^host\.example:2222: /);
  const words = readFileSync(log, 'utf8').split('|');
  expect(words).toContain('BatchMode=yes');
  expect(words).toContain('me@host.example');
  expect(words).toContain("git-upload-pack '/a b'\\'';touch MARKER'\\'''");
});

test('insteadOf does not lead a mirror elsewhere, nor back into gam', async () => {
  const mirror = await scene.serve('mirrors');
  const elsewhere = await scene.serve('mirrors');
  const trace = scene.sandbox.path('trace');
  for (const to of [`${elsewhere.url}/`, `mirror::${mirror.url}/`, 'mirror::', 'ext::sh -c false ']) {
    rmSync(trace, { force: true });
    mirror.requests.length = 0;
    const base = to === 'mirror::' ? 'http://' : `${mirror.url}/`;
    const config = { [`url.${to}.insteadOf`]: base };
    const outcome = await scene.clone(`${mirror.url}/mirror.git`, { config, env: { GAM_TRACE: trace } });
    await scene.expectPassedOver(outcome);
    expect(mirror.requests.length).toBeGreaterThan(2);
    expect(elsewhere.requests).toEqual([]);
    // One helper, one start.
    expect(readFileSync(trace, 'utf8').match(/ start /g)).toHaveLength(1);
  }
});

test('a closed transport is closed for mirrors', async () => {
  for (const [config, env] of [
    [{ 'protocol.file.allow': 'never' }, {}],
    [{}, { GIT_ALLOW_PROTOCOL: 'mirror:http' }],
    // As in a submodule, where `mirror` is allowed and nobody named the mirror on purpose.
    [{ 'protocol.mirror.allow': 'always' }, { GIT_PROTOCOL_FROM_USER: '0' }],
  ] as const) {
    const server = await scene.http();
    const canonical = `${server.url}/canonical.git`;
    const outcome = await scene.clone(path, { config, env, canonical });
    await scene.expectPassedOver(outcome, /: transport 'file' not allowed$/);
  }
});

test('no tags, no FETCH_HEAD, no maintenance, no submodule on a mirror’s account', async () => {
  const { sandbox } = scene;
  const repository = await scene.behind();
  const log = sandbox.path('gc.log');
  const config = {
    'remote.origin.tagOpt': '--no-tags',
    'fetch.recurseSubmodules': 'true',
    'maintenance.auto': 'true',
    'gc.auto': '1',
    'gc.autoDetach': 'false',
    'fetch.writeCommitGraph': 'false',
  };
  const trace = sandbox.path('trace2');
  const env = { GIT_TRACE2_EVENT: trace, GAM_TRACE: log };
  const outcome = await scene.fetch(repository, path, { config, env });
  expect(outcome.status).toBe(0);
  expect(outcome.passedOver).toEqual([]);
  const starts = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"start"'))
    .map((line) => (JSON.parse(line) as { argv: string[] }).argv.join(' '));
  expect(starts.filter((line) => /\b(?:gc|maintenance run)\b/.test(line)).length).toBeLessThanOrEqual(2);
  const head = readFileSync(sandbox.path(repository, '.git/FETCH_HEAD'), 'utf8');
  expect(head).not.toContain('mirror.git');
  await scene.expectAsPlain(outcome);
});

test('a mirror’s own configuration and hooks are not obeyed', async () => {
  const { sandbox } = scene;
  const marker = sandbox.path('MARKER');
  const touch = `touch '${marker}'`;
  const evil = await cloneBare(sandbox, 'served/canonical.git', 'evil.git');
  for (const key of ['uploadpack.packObjectsHook', 'core.fsmonitor', 'core.sshCommand', 'core.pager'])
    await sandbox.git(['config', key, touch], { cwd: 'evil.git' });
  await sandbox.git(['config', 'core.alternateRefsCommand', touch], { cwd: 'evil.git' });
  for (const hook of ['post-upload-pack', 'pre-upload-pack', 'reference-transaction', 'post-update'])
    program(`evil.git/hooks/${hook}`, touch);
  const outcome = await scene.clone(evil);
  await scene.expectPassedOver(outcome);
  expect(existsSync(marker)).toBe(false);
});
