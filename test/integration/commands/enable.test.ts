import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commit, type Desk, isGitAtLeast, makeDesk, makeRepository } from '../../helpers/commandline.ts';

const BASE = 'https://canonical.example/';

let desk: Desk;
let upstream: string;
beforeEach(async () => {
  desk = makeDesk();
  upstream = await makeRepository(desk, 'upstream');
  await desk.git(['update-ref', 'HEAD', await commit(desk, upstream, 'one')], upstream);
  // A helper that notes how it was called and serves the upstream repository, whatever URL it is given.
  desk.script('git-remote-mirror', [
    'case "$1" in --version) echo "gam 0.0.0"; exit 0;; esac',
    `echo "$1 $2" >>'${desk.top}/calls'`,
    'while read -r line; do case "$line" in',
    'capabilities) printf "connect\\n\\n";;',
    `"connect git-upload-pack") echo; unset GIT_DIR; exec git-upload-pack '${upstream}';;`,
    'esac; done',
  ]);
});
afterEach(() => desk.remove());

function calls(): string[] {
  const file = join(desk.top, 'calls');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

function useGit(version: string): void {
  desk.script('git', [
    `case "$1" in version) echo "git version ${version}"; exit 0;; esac`,
    'exec "$(PATH="${PATH#*:}" command -v git)" "$@"',
  ]);
}

describe('gam enable', () => {
  test('sends a plain clone, a bare clone, and init + remote add + fetch through the helper', async () => {
    const { status, stderr } = await desk.gam(['enable', 'https://canonical.example']);
    expect([status, stderr]).toEqual([0, '']);
    const url = `${BASE}group/project.git`;
    await desk.git(['clone', '-q', url, 'clone']);
    await desk.git(['clone', '-q', '--bare', url, 'bare']);
    await desk.git(['init', '-q', 'made']);
    const made = join(desk.top, 'made');
    await desk.git(['remote', 'add', 'origin', url], made);
    await desk.git(['fetch', '-q'], made);
    await desk.git(['pull', '-q'], join(desk.top, 'clone'));
    expect(calls()).toEqual(Array(4).fill(`origin ${url}`));
    const config = readFileSync(join(desk.top, 'clone/.git/config'), 'utf8');
    expect(config).toContain(`url = ${url}\n`);
    expect(config).not.toMatch(/mirror|vcs/);
    if (await isGitAtLeast(desk, 36)) {
      expect(await desk.git(['remote', '-v'], made)).toBe(`origin\t${url} (fetch)\norigin\t${url} (push)`);
    }
  });

  test('takes in submodules', async () => {
    await desk.gam(['enable', BASE]);
    const outer = await makeRepository(desk, 'outer');
    await desk.git(['submodule', '--quiet', 'add', `${BASE}sub`, 'sub'], outer);
    await desk.git(['commit', '-qm', 'with sub'], outer);
    await desk.git([
      'clone',
      '-q',
      '--recurse-submodules',
      '-c',
      'protocol.file.allow=always',
      outer,
      'again',
    ]);
    expect(calls()).toEqual(Array(2).fill(`origin ${BASE}sub`));
  });

  test('leaves other hosts alone, also those that begin like the base', async () => {
    await desk.gam(['enable', BASE]);
    const other = await makeRepository(desk, 'r', 'https://canonical.example.evil.example/x');
    await desk.git(['remote', 'add', 'second', 'https://elsewhere.example/canonical.example/'], other);
    expect((await desk.run('git', ['config', 'remote.origin.vcs'], other)).stdout).toBe('');
  });

  test.each(['git@canonical.example:', 'ssh://git@canonical.example/', 'https://canonical.example/deep/er'])(
    'takes in what lies under %s, flat or deep',
    async (base) => {
      await desk.gam(['enable', base]);
      const from = /[/:]$/.test(base) ? base : `${base}/`;
      await desk.git(['clone', '-q', `${from}flat`, 'flat']);
      await desk.git(['clone', '-q', `${from}a/b/c.git`, 'deep']);
      expect(calls()).toEqual([`origin ${from}flat`, `origin ${from}a/b/c.git`]);
    },
  );

  test('prints what it wrote, where, and how to undo it', async () => {
    if (!(await isGitAtLeast(desk, 36))) return;
    const { stdout } = await desk.gam(['enable', BASE]);
    expect(stdout).toBe(
      [
        `${BASE} is enabled`,
        `  ${desk.home}/.config/gam/origin.gitconfig`,
        '    remote.origin.vcs = mirror',
        `  ${desk.config}`,
        `    includeIf.hasconfig:remote.*.url:${BASE}**.path = ${desk.home}/.config/gam/origin.gitconfig`,
        '    protocol.mirror.allow = always',
        `undo: gam disable ${BASE}`,
        '',
      ].join('\n'),
    );
  });

  test('rewrites URLs with --instead-of, and by itself on git before 2.36; pushes stay plain', async () => {
    useGit('2.35.9');
    const { stdout } = await desk.gam(['enable', BASE]);
    expect(stdout).toContain(`url.mirror::${BASE}.insteadOf = ${BASE}\n`);
    await desk.git(['clone', '-q', `${BASE}x`, 'clone']);
    expect(calls()).toEqual([`origin ${BASE}x`]);
    const remotes = await desk.git(['remote', '-v'], join(desk.top, 'clone'));
    expect(remotes).toBe(`origin\tmirror::${BASE}x (fetch)\norigin\t${BASE}x (push)`);
    const before = readFileSync(desk.config, 'utf8');
    await desk.gam(['enable', '--instead-of', BASE]);
    expect(readFileSync(desk.config, 'utf8')).toBe(before);
    expect(existsSync(join(desk.home, '.config/gam/origin.gitconfig'))).toBe(false);
    await desk.gam(['disable', BASE]);
    expect(existsSync(desk.config)).toBe(false);
  });

  test('changes from one form to the other instead of doing both', async () => {
    if (!(await isGitAtLeast(desk, 36))) return;
    await desk.gam(['enable', '--instead-of', BASE]);
    await desk.gam(['enable', BASE]);
    const config = readFileSync(desk.config, 'utf8');
    expect(config).toContain('hasconfig');
    expect(config).not.toContain('insteadOf');
    await desk.gam(['disable', BASE]);
    expect(existsSync(desk.config)).toBe(false);
  });

  test.each([
    ['github.com', 'neither a URL'],
    ['', 'it is empty'],
    ['https://', 'no host'],
    ['https://h.example/**', 'a glob'],
    ['https://me:hunter2@h.example/', 'a login'],
    ['mirror::https://h.example/', 'plain URL'],
    ['ext::sh -c x', 'plain URL'],
    ['https://h.example/one.git', 'single repository'],
    ['https://h.example/\u001b[2J', 'control characters'],
  ])('refuses the base %j and creates nothing', async (base, why) => {
    const { status, stdout, stderr } = await desk.gam(['enable', BASE, base]);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^gam: .*is no base for URLs: .*\ngam: .*\n$/);
    expect(stderr).toContain(why);
    expect(stderr).not.toMatch(/hunter2|\u001b/);
    expect(readdirSync(desk.home)).toEqual([]);
  });

  test('leaves nothing when the configuration cannot be written, and never replaces a device', async () => {
    if (!(await isGitAtLeast(desk, 32))) return;
    desk.env['GIT_CONFIG_GLOBAL'] = '/dev/null';
    const device = await desk.gam(['enable', BASE]);
    expect([device.status, device.stderr]).toEqual([1, expect.stringContaining("'/dev/null' is not a file")]);
    desk.env['GIT_CONFIG_GLOBAL'] = join(desk.home, 'no/such/folder/config');
    expect((await desk.gam(['enable', BASE])).status).toBe(1);
    desk.env['GIT_CONFIG_GLOBAL'] = desk.config;
    writeFileSync(desk.config, '[protocol "mirror"]\n\tallow = never\n');
    const never = await desk.gam(['enable', BASE]);
    expect([never.status, never.stderr]).toEqual([1, expect.stringContaining("allow is 'never'")]);
    expect(readdirSync(desk.home)).toEqual(['.gitconfig']);
  });

  test('warns when git would find no helper', async () => {
    desk.script('git-remote-mirror', ['exit 1']);
    const { status, stderr } = await desk.gam(['enable', BASE]);
    expect([status, stderr]).toEqual([0, expect.stringMatching(/^gam: git finds no git-remote-mirror/)]);
  });

  test('wants a base or --remote, not both', async () => {
    expect((await desk.gam(['enable'])).status).toBe(2);
    expect((await desk.gam(['enable', '--remote', 'origin', BASE])).status).toBe(2);
    expect((await desk.gam(['disable'])).status).toBe(2);
  });
});

const SHAPES: Record<string, string | null> = {
  'no file': null,
  'an empty file': '',
  'a usual file': '[user]\n\tname = Ä\n',
  'a last line without an end': '[user]\n\tname = x',
  'a comment at the end': '[user]\n\tname = x\n# yes\n',
  'empty lines at the end': '[user]\n\tname = x\n\n\n',
  'line ends of Windows': '[user]\r\n\tname = x\r\n',
  'other protocols': '[protocol "file"]\n\tallow = always\n[alias]\n\tx = y\n',
  'protocol.mirror.allow of its own': '[protocol "mirror"]\n\tallow = always\n; mine\n',
  'other includes': '[includeIf "hasconfig:remote.*.url:https://x/**"]\n\tpath = /x\n',
};

describe('gam disable', () => {
  test.each(Object.keys(SHAPES))('leaves no trace in %s', async (name) => {
    const before = SHAPES[name] ?? null;
    if (before !== null) writeFileSync(desk.config, before);
    await desk.gam(['enable', BASE, 'git@h.example:']);
    await desk.gam(['enable', '--instead-of', 'https://other.example/', BASE]);
    const enabled = readFileSync(desk.config, 'utf8');
    await desk.gam(['enable', '--instead-of', BASE]);
    expect(readFileSync(desk.config, 'utf8')).toBe(enabled);
    expect(enabled).not.toBe(before);
    const { status, stdout } = await desk.gam(['disable', 'git@h.example:', BASE, 'https://other.example']);
    expect(status).toBe(0);
    expect(stdout.includes('protocol.mirror.allow')).toBe(!name.startsWith('protocol.mirror'));
    expect(existsSync(desk.config) ? readFileSync(desk.config, 'utf8') : null).toBe(before);
    expect(readdirSync(desk.home)).toEqual(before === null ? [] : ['.gitconfig']);
  });

  test('keeps what the user wrote meanwhile, and what others keep in the same folder', async () => {
    mkdirSync(join(desk.home, '.config/gam'), { recursive: true });
    writeFileSync(join(desk.home, '.config/gam/watch'), 'mine');
    await desk.gam(['enable', BASE]);
    await desk.git(['config', '--global', 'user.name', 'x']);
    await desk.gam(['disable', BASE]);
    expect(readFileSync(desk.config, 'utf8')).toBe('[user]\n\tname = x\n');
    expect(readdirSync(join(desk.home, '.config/gam'))).toEqual(['watch']);
  });

  test('keeps protocol.mirror.allow while another base is enabled', async () => {
    await desk.gam(['enable', BASE, 'https://other.example/']);
    await desk.gam(['disable', BASE]);
    expect(await desk.git(['config', '--global', 'protocol.mirror.allow'])).toBe('always');
    await desk.git(['clone', '-q', 'https://other.example/x']);
    expect(calls()).toEqual(['origin https://other.example/x']);
    expect((await desk.gam(['disable', BASE])).stdout).toContain('is not enabled; nothing changed');
    await desk.gam(['disable', 'https://other.example/']);
    expect(readdirSync(desk.home)).toEqual([]);
  });

  test('serves two user configurations that share a home', async () => {
    if (!(await isGitAtLeast(desk, 32))) return;
    await desk.gam(['enable', BASE]);
    desk.env['GIT_CONFIG_GLOBAL'] = join(desk.home, 'second');
    await desk.gam(['enable', BASE]);
    await desk.gam(['disable', BASE]);
    desk.env['GIT_CONFIG_GLOBAL'] = desk.config;
    await desk.git(['clone', '-q', `${BASE}x`]);
    expect(calls()).toEqual([`origin ${BASE}x`]);
    await desk.gam(['disable', BASE]);
    expect(readdirSync(desk.home)).toEqual([]);
  });
});

describe('gam enable --remote', () => {
  test('sends one remote through the helper, and takes it back byte by byte', async () => {
    const repo = await makeRepository(desk, 'r', 'https://elsewhere.example/x');
    await desk.git(['remote', 'add', 'up', `${BASE}up`], repo);
    const before = readFileSync(join(repo, '.git/config'), 'utf8');
    const { stdout } = await desk.gam(['enable', '--remote', 'up'], repo);
    expect(stdout).toBe(
      `up goes through gam from now on\n  ${repo}/.git/config\n    remote.up.vcs = mirror\nundo: gam disable --remote up\n`,
    );
    await desk.git(['fetch', '-q', 'up'], repo);
    expect(calls()).toEqual([`up ${BASE}up`]);
    expect((await desk.gam(['enable', '--remote', 'up'], repo)).stdout).toContain('nothing changed');
    expect((await desk.gam(['disable', '--remote', 'up'], repo)).status).toBe(0);
    expect(readFileSync(join(repo, '.git/config'), 'utf8')).toBe(before);
    expect((await desk.gam(['disable', '--remote', 'up'], repo)).stdout).toContain('nothing changed');
    expect(readdirSync(desk.home)).toEqual([]);
  });

  test('refuses a remote that is not there, one of another helper, and no repository', async () => {
    const repo = await makeRepository(desk, 'r', `${BASE}x`);
    await desk.git(['config', 'remote.origin.vcs', 'hg'], repo);
    expect((await desk.gam(['enable', '--remote', 'up'], repo)).stderr).toContain(
      'the remotes here are origin',
    );
    expect((await desk.gam(['enable', '--remote', 'origin'], repo)).stderr).toContain(
      "remote.origin.vcs is 'hg'",
    );
    expect((await desk.gam(['enable', '--remote', 'origin'])).stderr).toMatch(/^gam: not a git repository/);
  });
});
