import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { remember } from '../../../src/state/measures.ts';
import { startChild } from '../../helpers/child.ts';
import { type Desk, GAM, makeDesk, makeRepository } from '../../helpers/commandline.ts';

const KEYS =
  'url site canonical source preferred priority location state reason latencyMs bytesPerSecond lag hits misses lastUsed'.split(
    ' ',
  );
const CANONICAL = 'https://canonical.example/group/project.git';

interface Listed {
  url: string;
  site: string;
  canonical: string;
  source: string;
  preferred: boolean;
  state: string;
  reason: string | null;
}

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.remove());

async function list(cwd: string, ...args: string[]): Promise<Listed[]> {
  const { status, stdout, stderr } = await desk.gam(['mirrors', 'list', '--json', ...args], cwd);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as Listed[];
}

describe('gam mirrors list', () => {
  test('in a repository shows the mirrors of every remote, with the keys of the contract first', async () => {
    const repo = await makeRepository(desk, 'r', `mirror::${CANONICAL}`);
    await desk.git(['remote', 'add', 'up', 'git@canonical.example:up'], repo);
    await desk.git(['config', '--add', 'remote.origin.mirrorUrl', 'https://eu.example/p.git'], repo);
    await desk.git(['config', '--add', 'remote.origin.mirrorUrl', 'ext::sh -c touch% x'], repo);
    await desk.git(['config', 'remote.origin.preferredMirror', 'https://eu.example/p.git'], repo);
    await desk.git(
      ['config', '--global', 'mirror.git@canonical.example:.url', 'https://lan.example/c/'],
      repo,
    );
    const all = await list(repo);
    for (const mirror of all) expect(Object.keys(mirror).slice(0, KEYS.length)).toEqual(KEYS);
    expect(all).toMatchObject([
      {
        url: 'https://eu.example/p.git',
        site: 'eu.example',
        canonical: CANONICAL,
        source: 'config',
        preferred: true,
      },
      {
        url: 'ext::sh -c touch% x',
        state: 'refused',
        reason: 'a URL for another remote helper',
        preferred: false,
      },
      {
        url: 'https://lan.example/c/up',
        canonical: 'git@canonical.example:up',
        source: 'prefix',
        state: 'ready',
      },
    ]);
    expect(await list(repo, '--remote', 'up')).toHaveLength(1);
    expect(await list(repo, CANONICAL)).toHaveLength(2);
    expect(await list(repo, `mirror::${CANONICAL}`)).toHaveLength(2);
    expect(await list(join(repo, '.git'), 'git@canonical.example:other')).toMatchObject([
      { url: 'https://lan.example/c/other' },
    ]);
  });

  test('outside a repository shows every base, and for a URL the longest base alone', async () => {
    writeFileSync(
      desk.config,
      '[mirror "https://h/"]\n\turl = https://wide.example/\n[mirror "https://h/x/"]\n\turl = https://deep.example/\n',
    );
    expect(await list(desk.top)).toMatchObject([
      { url: 'https://wide.example/', canonical: 'https://h/' },
      { url: 'https://deep.example/', canonical: 'https://h/x/' },
    ]);
    expect(await list(desk.top, 'https://h/x/y')).toMatchObject([{ url: 'https://deep.example/y' }]);
    expect(await list(desk.top, 'https://h.evil.example/x')).toEqual([]);
    const { stdout } = await desk.gam(['mirrors', 'list'], desk.top);
    expect(stdout).toBe(
      'FOR           STATE  SOURCE  SITE          URL\n' +
        'https://h/    ready  prefix  wide.example  https://wide.example/\n' +
        'https://h/x/  ready  prefix  deep.example  https://deep.example/\n',
    );
  });

  test('never prints a login, a query or a control character', async () => {
    const secret = `https://me:hunter2@h.example/r?token=hunter2`;
    const repo = await makeRepository(desk, 'r', `mirror::https://me:hunter2@canonical.example/r`);
    await desk.git(['config', '--add', 'remote.origin.mirrorUrl', secret], repo);
    await desk.git(
      ['config', '--add', 'remote.origin.mirrorUrl', 'https://h.example/\u001b[31mred\u202e'],
      repo,
    );
    for (const args of [[], ['--json'], [secret], [secret, '--json']]) {
      const { stdout, stderr, status } = await desk.gam(['mirrors', 'list', ...args], repo);
      expect(status).toBe(0);
      expect(stdout + stderr).not.toMatch(/hunter2|\u001b|\u202e|me@/);
    }
    const [first] = await list(repo);
    expect(first).toMatchObject({ url: 'https://h.example/r', canonical: 'https://canonical.example/r' });
  });

  test('with none says what to do next, in one line', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    expect((await desk.gam(['mirrors', 'list'], repo)).stdout).toBe(
      'No mirrors here; add one with: gam mirrors add <mirror-url>\n',
    );
    expect((await desk.gam(['mirrors', 'list'])).stdout).toMatch(/^No mirrors; .*--for <base> --global\n$/);
    expect(await desk.gam(['mirrors', 'list', '--remote', 'nope'], repo)).toEqual({
      status: 1,
      stdout: '',
      stderr: "gam: no remote 'nope' with a URL\ngam: the remotes here are origin\n",
    });
    expect((await desk.gam(['mirrors', 'list', '--remote', 'x'])).stderr).toMatch(
      /^gam: not a git repository/,
    );
  });
});

describe('gam mirrors list, once something is remembered,', () => {
  const [far, near, dead] = ['https://far.example/p', 'https://near.example/p', 'https://dead.example/p'];
  const pack = 10 * 1024 ** 2;

  async function measuredRepository(): Promise<string> {
    const repo = await makeRepository(desk, 'r', `mirror::${CANONICAL}`);
    for (const url of [dead, far, near, 'ext::x'])
      await desk.git(['config', '--add', 'remote.origin.mirrorUrl', url], repo);
    await remember(
      [
        { url: dead, seen: { kind: 'failure', reason: 'no answer within 5 s' } },
        { url: far, seen: { kind: 'greeting', ms: 300 } },
        { url: far, seen: { kind: 'miss' } },
        { url: near, seen: { kind: 'greeting', ms: 12.34 } },
        { url: near, seen: { kind: 'pack', bytes: pack, ms: 500 } },
        { url: near, seen: { kind: 'hit', share: 1, bytes: pack } },
        { url: near, seen: { kind: 'checked', lag: 3, lagSeconds: 7200 } },
      ],
      desk.env,
    );
    return repo;
  }

  test('stands in the order in which they are tried, tells what is known, and why one goes last', async () => {
    const all = await list(await measuredRepository());
    // A refused mirror is never asked, so its place does not matter.
    expect(all.filter(({ state }) => state !== 'refused')).toMatchObject([
      {
        url: near,
        rank: 1,
        state: 'ready',
        reason: null,
        latencyMs: 12.3,
        bytesPerSecond: 2 * pack,
        lag: 3,
        lagSeconds: 7200,
        hits: 1,
        misses: 0,
        bytesSaved: pack,
        failures: 0,
      },
      { url: far, rank: 2, latencyMs: 300, bytesPerSecond: null, lag: null, hits: 0, misses: 1 },
      { url: dead, rank: 3, state: 'backing-off', latencyMs: null, failures: 1 },
    ]);
    expect(all.find(({ state }) => state === 'refused')).toMatchObject({ rank: null, hits: null });
    expect(all.at(-1)?.reason).toMatch(/^no answer within 5 s; goes last until \d{4}-/);
    expect(Date.parse(String((all[0] as { lastUsed?: string }).lastUsed))).toBeGreaterThan(0);
  });

  test('prints it as a table', async () => {
    const repo = await measuredRepository();
    const { stdout } = await desk.gam(['mirrors', 'list'], repo);
    expect(stdout).toMatch(
      /^RANK +REMOTE +STATE +LATENCY +RATE +LAG +HITS +SAVED +USED +SOURCE +SITE +URL$/m,
    );
    expect(stdout).toMatch(
      /^1 +origin +ready +12 ms +20\.0 MiB\/s +3, 2 h +100 % +10\.0 MiB +\d+ s +config +near\.example +https:\S+$/m,
    );
    expect(stdout).toMatch(
      /^backing-off: https:\/\/dead\.example\/p: no answer within 5 s; goes last until /m,
    );
  });

  test('of what is deleted nothing is left', async () => {
    const repo = await measuredRepository();
    rmSync(join(desk.home, '.local/state/gam'), { recursive: true });
    expect(await list(repo)).toMatchObject(
      [dead, far, near, 'ext::x'].map((url) => ({ url, latencyMs: null })),
    );
  });

  test('with --watch is refused where nobody would see it drawn anew', async () => {
    const repo = await measuredRepository();
    expect(await desk.gam(['mirrors', 'list', '--watch'], repo)).toEqual({
      status: 2,
      stdout: '',
      stderr: 'gam: --watch needs a terminal\ngam: leave it out, or use --json\n',
    });
    expect((await desk.gam(['mirrors', 'list', '--watch', '--json'], repo)).status).toBe(2);
  });

  // script(1) of util-linux gives it a terminal.
  test.skipIf(process.platform !== 'linux' || !existsSync('/usr/bin/script'))(
    'with --watch is drawn anew on a terminal, with what has come since, until Ctrl-C',
    async () => {
      const repo = await measuredRepository();
      const command = `echo pid=$$; exec ${process.execPath} ${GAM} mirrors list --watch`;
      const terminal = startChild('script', ['-qec', command, '/dev/null'], { cwd: repo, env: desk.env });
      const [, pid] = await terminal.saw('stdout', /pid=(\d+)/);
      await terminal.saw('stdout', /near\.example/);
      await remember([{ url: near, seen: { kind: 'checked', lag: 4711, lagSeconds: null } }], desk.env);
      await terminal.saw('stdout', /4711/);
      process.kill(Number(pid), 'SIGINT');
      expect((await terminal.ended).status).toBe(0);
    },
  );
});

describe('gam mirrors add', () => {
  test('adds once to origin, and the same again changes nothing', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    const first = await desk.gam(['mirrors', 'add', 'https://eu.example/p.git'], repo);
    expect(first.stdout).toBe(
      `added https://eu.example/p.git as a mirror of origin\n  remote.origin.mirrorUrl in ${repo}/.git/config\n`,
    );
    const config = readFileSync(join(repo, '.git/config'), 'utf8');
    const again = await desk.gam(['mirrors', 'add', 'https://eu.example/p.git'], repo);
    expect(again.status).toBe(0);
    expect(again.stdout).toContain('nothing changed');
    expect(readFileSync(join(repo, '.git/config'), 'utf8')).toBe(config);
    expect(await list(repo)).toMatchObject([{ url: 'https://eu.example/p.git', state: 'ready' }]);
  });

  test.each([
    ['a foreign helper', 'ext::sh -c touch% x'],
    ['gam itself', 'mirror::https://eu.example/p'],
    ['a login', 'https://me:hunter2@eu.example/p'],
    ['a user alone', 'https://me@eu.example/p'],
    ['an escape code', 'https://eu.example/\u001b[2J'],
    ['an encoded line end', 'https://h%0ahost=github.com/r'],
    ['no host', 'https:///h'],
    ['no port', 'https://h:99999/'],
    ['an unknown protocol', 'ftp://eu.example/p'],
    ['an option', '-oProxyCommand=x:repo'],
    ['an ssh option', 'ssh://-oProxyCommand=x/r'],
    ['a relative path to nothing', '../nothing'],
    ['nothing', ''],
  ])('refuses %s before anything is written', async (_, url) => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    const config = readFileSync(join(repo, '.git/config'), 'utf8');
    const { status, stdout, stderr } = await desk.gam(['mirrors', 'add', '--', url], repo);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^gam: .* cannot be a mirror: .+\ngam: .+\n$/);
    expect(stderr).not.toMatch(/hunter2|\u001b/);
    expect(readFileSync(join(repo, '.git/config'), 'utf8')).toBe(config);
  });

  test('advises a credential helper for a login', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    const { stderr } = await desk.gam(['mirrors', 'add', 'https://me:hunter2@eu.example/p'], repo);
    expect(stderr).toContain('gam: add https://eu.example/p and leave the login to a credential helper');
  });

  test('stores the folder of a relative path absolute, and refuses canonical itself', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    mkdirSync(join(desk.top, 'copy'));
    await desk.gam(['mirrors', 'add', '../copy'], repo);
    expect(await list(repo)).toMatchObject([{ url: join(desk.top, 'copy'), site: 'localhost' }]);
    expect((await desk.gam(['mirrors', 'remove', '../copy'], repo)).status).toBe(0);
    const { status, stderr } = await desk.gam(['mirrors', 'add', CANONICAL], repo);
    expect([status, stderr]).toEqual([1, expect.stringContaining('is canonical itself')]);
  });

  test('chooses the only remote, and asks when there are several', async () => {
    const repo = await makeRepository(desk, 'r');
    const none = await desk.gam(['mirrors', 'add', 'https://m.example/p'], repo);
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining('no remote')]);
    await desk.git(['remote', 'add', 'up', CANONICAL], repo);
    expect((await desk.gam(['mirrors', 'add', 'https://m.example/p'], repo)).stdout).toContain(
      'mirror of up',
    );
    await desk.git(['remote', 'add', 'fork', 'https://fork.example/p'], repo);
    const several = await desk.gam(['mirrors', 'add', 'https://m.example/q'], repo);
    expect([several.status, several.stderr]).toEqual([2, expect.stringContaining('--remote')]);
  });

  test('--for with --global serves every URL under the base, in every repository', async () => {
    const outside = await desk.gam(['mirrors', 'add', 'https://cache.example/h', '--for', 'https://h']);
    expect([outside.status, outside.stderr]).toEqual([1, expect.stringContaining('--global')]);
    expect(existsSync(desk.config)).toBe(false);
    await desk.gam(['mirrors', 'add', 'https://cache.example/h', '--for', 'https://h', '--global']);
    expect(await list(desk.top, 'https://h/a/b')).toMatchObject([{ url: 'https://cache.example/h/a/b' }]);
    const bad = await desk.gam(['mirrors', 'add', 'https://c.example/', '--for', 'ext::x', '--global']);
    expect([bad.status, bad.stderr]).toEqual([1, expect.stringContaining('is no base')]);
  });

  test('outside a repository says so', async () => {
    const { status, stderr } = await desk.gam(['mirrors', 'add', 'https://m.example/p']);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^gam: not a git repository/)]);
  });
});

describe('gam mirrors remove', () => {
  test('removes exactly one value and leaves no empty section', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    await desk.gam(['mirrors', 'add', 'https://a.example/p.x', '--for', 'https://h/x', '--global'], repo);
    await desk.gam(['mirrors', 'add', 'https://a.example/pyx', '--for', 'https://h/x', '--global'], repo);
    const gone = await desk.gam([
      'mirrors',
      'remove',
      'https://a.example/p.x',
      '--for',
      'https://h/x',
      '--global',
    ]);
    expect(gone.status).toBe(0);
    expect(await list(desk.top)).toMatchObject([{ url: 'https://a.example/pyx' }]);
    await desk.gam(['mirrors', 'remove', 'https://a.example/pyx', '--for', 'https://h/x', '--global']);
    expect(readFileSync(desk.config, 'utf8')).toBe('');
  });

  test('takes a URL as it is shown, and the preference with it', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    const before = readFileSync(join(repo, '.git/config'), 'utf8');
    await desk.git(['config', '--add', 'remote.origin.mirrorUrl', 'https://me:pw@m.example/p'], repo);
    await desk.git(['config', 'remote.origin.preferredMirror', 'https://me:pw@m.example/p'], repo);
    const { stdout } = await desk.gam(['mirrors', 'remove', 'https://m.example/p'], repo);
    expect(stdout).toContain('removed https://m.example/p from origin\n');
    expect(readFileSync(join(repo, '.git/config'), 'utf8')).toBe(before);
  });

  test('tells what exists when the mirror is unknown', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    await desk.gam(['mirrors', 'add', 'https://m.example/p'], repo);
    expect(await desk.gam(['mirrors', 'remove', 'https://other.example/p'], repo)).toEqual({
      status: 1,
      stdout: '',
      stderr: 'gam: https://other.example/p is no mirror of origin\ngam: there is https://m.example/p\n',
    });
    const { stderr } = await desk.gam(['mirrors', 'remove', 'https://m.example/p', '--global'], repo);
    expect(stderr).toContain('without --global');
  });
});

describe('gam mirrors prefer', () => {
  test('chooses by URL or site, adds what is new, and --none takes it back', async () => {
    const repo = await makeRepository(desk, 'r', CANONICAL);
    await desk.gam(['mirrors', 'add', 'https://a.example/p'], repo);
    const config = readFileSync(join(repo, '.git/config'), 'utf8');
    expect((await desk.gam(['mirrors', 'prefer', 'a.example'], repo)).stdout).toBe(
      'origin prefers https://a.example/p from now on\n',
    );
    expect((await desk.gam(['mirrors', 'prefer', 'https://a.example/p'], repo)).stdout).toContain(
      'nothing changed',
    );
    const { stdout } = await desk.gam(['mirrors', 'list'], repo);
    expect(stdout).toMatch(/^origin +preferred +config +a\.example +https:\/\/a\.example\/p$/m);
    await desk.gam(['mirrors', 'prefer', '--none'], repo);
    expect(readFileSync(join(repo, '.git/config'), 'utf8')).toBe(config);

    expect((await desk.gam(['mirrors', 'prefer', 'https://b.example/p'], repo)).stdout).toContain(
      'added https://b',
    );
    expect(await list(repo)).toMatchObject([
      { url: 'https://b.example/p', preferred: true },
      { url: 'https://a.example/p', preferred: false },
    ]);
    expect((await desk.gam(['mirrors', 'prefer', 'ext::x'], repo)).status).toBe(1);
    expect((await desk.gam(['mirrors', 'prefer'], repo)).status).toBe(2);
  });
});
