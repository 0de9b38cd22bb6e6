import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

interface Report {
  ok: boolean;
  helper: string | null;
  findings: { check: string; severity: string; message: string; remedy: string }[];
}

let desk: Desk;
let repo: string;
let version: string;
beforeEach(async () => {
  desk = makeDesk();
  repo = await makeRepository(desk, 'r', 'https://canonical.example/r');
  version = (await desk.gam(['--version'])).stdout.trim();
  desk.script('git-remote-mirror', [`echo "${version}"`]);
});
afterEach(() => desk.remove());

async function doctor(cwd = repo): Promise<Report & { status: number }> {
  const { status, stdout, stderr } = await desk.gam(['doctor', '--json'], cwd);
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as Report), status };
}

/** The git on PATH may itself be old enough to be remarked on. */
async function checks(cwd = repo): Promise<string[]> {
  const { findings } = await doctor(cwd);
  return findings.map((finding) => finding.check).filter((check) => check !== 'git-version');
}

describe('gam doctor', () => {
  test('finds nothing wrong in a sound setting, in a repository and outside', async () => {
    await desk.git(['config', 'remote.origin.mirrorUrl', 'https://eu.example/r'], repo);
    for (const cwd of [repo, desk.top]) {
      const { ok, status, helper } = await doctor(cwd);
      expect({ ok, status, helper }).toEqual({ ok: true, status: 0, helper: version.replace('gam ', '') });
      expect(await checks(cwd)).toEqual([]);
    }
    expect((await desk.gam(['doctor', '-q'], repo)).stdout).toBe('');
  });

  test('misses the helper, and one of another version', async () => {
    rmSync(join(desk.bin, 'git-remote-mirror'));
    desk.script('git-remote-mirror', ['exit 3']);
    const { status, stdout } = await desk.gam(['doctor'], repo);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^error: git finds no git-remote-mirror.*\n {2}remedy: put .* on PATH$/m);
    desk.script('git-remote-mirror', ['echo gam 9.9.9']);
    expect((await doctor()).status).toBe(1);
    expect(await checks()).toEqual(['helper']);
  });

  test.each<[string, string, string, 0 | 1]>([
    ['setting', 'gam.connectTimeout', 'soon', 1],
    ['mirror-refused', 'remote.origin.mirrorUrl', 'ext::sh -c x', 1],
    ['mirror-refused', 'mirror.https://h/.url', 'https://me:hunter2@m.example/', 1],
    ['mirror-is-canonical', 'remote.origin.mirrorUrl', 'https://canonical.example/r', 1],
    ['mirror-joins-badly', 'mirror.https://h/.url', 'https://m.example/h', 0],
    ['mirror-forbidden', 'protocol.mirror.allow', 'never', 1],
    ['rewrite', 'url.mirror::https://h/.insteadOf', 'https://h/', 0],
    ['password-in-url', 'remote.up.url', 'mirror::https://me:hunter2@h.example/r', 0],
    ['unscoped-header', 'http.extraHeader', 'Authorization: hunter2', 0],
    ['mirror-twice', 'remote.up.url', 'mirror::mirror::https://h/r', 1],
  ])('finds %s in %s = %s', async (check, key, value, status) => {
    await desk.git(['config', 'protocol.mirror.allow', 'always'], repo);
    await desk.git(['config', key, value], repo);
    const said = await desk.gam(['doctor'], repo);
    expect(said.stdout + said.stderr).not.toContain('hunter2');
    expect(said.status).toBe(status);
    expect(await checks()).toEqual([check]);
  });

  test('finds what of a mirror list cannot be read, and one that is empty', async () => {
    await desk.git(['config', 'mirrorList.enabled', 'true'], repo);
    expect(await checks()).toEqual(['empty-list']);
    await desk.git(['config', 'mirrorList.eu.url', 'https://ann:secret@eu.example/r'], repo);
    await desk.git(['config', 'mirrorList.us.url', 'https://us.example/r'], repo);
    const { status, findings } = await doctor();
    expect([status, findings.map(({ message }) => message)]).toEqual([
      1,
      ['cannot read mirrorList.eu.url=https://eu.example/r; leaving this mirror out'],
    ]);
  });

  test('finds a mirror whose transport is forbidden', async () => {
    await desk.git(['config', 'remote.origin.mirrorUrl', 'git@m.example:r'], repo);
    await desk.git(['config', 'protocol.ssh.allow', 'never'], repo);
    expect(await checks()).toEqual(['transport-forbidden']);
  });

  test('finds that submodules would be refused, and an enabled base without its file', async () => {
    writeFileSync(join(repo, '.gitmodules'), '');
    await desk.git(['config', 'remote.origin.vcs', 'mirror'], repo);
    expect(await checks()).toEqual(['submodules-forbidden']);
    await desk.gam(['enable', 'https://h/']);
    rmSync(join(desk.home, '.config/gam'), { recursive: true });
    const found = await checks();
    const hasconfig = (await desk.git(['config', '--global', '--list'])).includes('hasconfig');
    expect(found).toEqual([hasconfig ? 'enabled-base' : 'rewrite']);
  });

  test('finds GIT_ALLOW_PROTOCOL in the way, and refs that canonical has not confirmed', async () => {
    const tree = await desk.git(['write-tree'], repo);
    const commit = await desk.git(['commit-tree', tree, '-m', 'x'], repo);
    await desk.git(['update-ref', 'refs/mirror/eu.example/heads/main', commit], repo);
    desk.env['GIT_ALLOW_PROTOCOL'] = 'https:ssh';
    expect(await checks()).toEqual(['environment', 'unverified']);
  });
});
