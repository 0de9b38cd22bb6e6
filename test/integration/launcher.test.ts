import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { remoteName } from '../../src/config/canonical.ts';
import { parseGitUrl } from '../../src/protocol/git-url.ts';
import { CommandLines } from '../../src/remote-helper/command-lines.ts';
import type { HelperProcess } from '../../src/remote-helper/context.ts';
import { Hand } from '../../src/remote-helper/hand.ts';
import { runHelper } from '../../src/remote-helper/helper.ts';
import { Report } from '../../src/remote-helper/report.ts';
import { markUnlisted, mayHaveList } from '../../src/state/unlisted.ts';
import { webHelper } from '../../src/transport/web.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// Which program takes over from the launcher, with which words: git's web helper, perl that starts it before node, or
// node. Each is replaced by a script that writes down how it was called.

const LAUNCHER = fileURLToPath(new URL('../../bin/git-remote-mirror', import.meta.url));
const URL_HERE = 'http://h.example/team/project.git';
const PACKED = '# pack-refs with: peeled fully-peeled sorted \n';

let sandbox: Sandbox;
let empty: string;
let repo: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  for (const folder of ['exec', 'programs']) mkdirSync(sandbox.path(folder));
  const script = '#!/bin/sh\nfor word in "$0" "$@"; do printf \'%s\\0\' "$word"; done >"$CALLED"\nexit 7\n';
  for (const name of ['exec/git-remote-http', 'exec/git-remote-https', 'programs/node', 'programs/perl']) {
    writeFileSync(sandbox.path(name), script);
    chmodSync(sandbox.path(name), 0o755);
  }
  empty = sandbox.path('empty');
  await sandbox.git(['init', '-q', empty]);
});
afterAll(() => sandbox.close());

// Nothing is to be asked of these: they are known to have no list.
const KNOWN = [URL_HERE, 'https://h/x', 'http://h/$(x)`y`;"\'*&|', 'http://inner/team/project.git'];

beforeEach(async () => {
  for (const url of KNOWN) markUnlisted(url, sandbox.env);
  repo = sandbox.path('repo');
  rmSync(repo, { recursive: true, force: true });
  await sandbox.run('cp', ['-R', empty, repo]);
});

function environment(): Record<string, string> {
  return {
    GIT_DIR: sandbox.path('repo/.git'),
    CALLED: sandbox.path('called'),
    PATH: `${sandbox.path('exec')}:${sandbox.path('programs')}:${process.env['PATH']}`,
  };
}

interface Launch {
  words?: readonly string[];
  env?: Record<string, string | undefined>;
  /** What starts it; the launcher itself when none is named. */
  shell?: readonly string[];
}

/** The words of the program that took over. */
async function launch({
  words = ['origin', URL_HERE],
  env = {},
  shell = [],
}: Launch = {}): Promise<string[]> {
  rmSync(sandbox.path('called'), { force: true });
  const [command = '', ...args] = [...shell, LAUNCHER, ...words];
  const both = { ...environment(), ...env };
  const ended = await sandbox.run(command, args, { cwd: 'repo', env: both, expectStatus: 7 });
  expect(ended).toMatchObject({ stdout: '', stderr: '' });
  return readFileSync(sandbox.path('called'), 'utf8').split('\0').slice(0, -1);
}

/** Which one it was. */
async function taken(options: Launch = {}): Promise<string> {
  const [program = ''] = await launch(options);
  return program.slice(sandbox.root.length + 1);
}

async function configure(settings: readonly (readonly [string, string])[]): Promise<void> {
  for (const [key, value] of settings) await sandbox.git(['config', '--add', key, value], { cwd: repo });
}

const OWN_WORDS = ['--version', '--sweep', 'x'];

describe('git’s own web helper takes over', () => {
  test.each<[string, string[], string[]]>([
    ['for a remote', ['origin', URL_HERE], ['http', 'origin', URL_HERE]],
    ['for https', ['up', 'https://h/x'], ['https', 'up', 'https://h/x']],
    ['for a URL', [URL_HERE, URL_HERE], ['http', URL_HERE, URL_HERE]],
    ['for a URL with mirror::', [`mirror::${URL_HERE}`, URL_HERE], ['http', URL_HERE, URL_HERE]],
    ['for a remote without a name', ['', URL_HERE], ['http', URL_HERE, URL_HERE]],
    ['for a URL with a login', ['origin', 'https://me:pw@h/x'], ['https', 'origin', 'https://me:pw@h/x']],
    ['for one with a query', ['origin', 'https://h/x?y'], ['https', 'origin', 'https://h/x?y']],
    [
      'for signs that a shell knows',
      ['o*', 'http://h/$(x)`y`;"\'*&|'],
      ['http', 'o*', 'http://h/$(x)`y`;"\'*&|'],
    ],
  ])('%s, with the words that node would use', async (_, words, [scheme = '', ...rest]) => {
    const called = await launch({ words });
    expect(called).toEqual([sandbox.path(`exec/git-remote-${scheme}`), ...rest]);
    const [remote = '', url = ''] = words;
    const parsed = parseGitUrl(url);
    const env = { PATH: environment()['PATH'] };
    expect(called).toEqual(
      parsed.kind === 'web' ? webHelper(remoteName(remote, url) ?? url, parsed, env) : [],
    );
  });

  test.each<[string, [string, string][]]>([
    ['mirrors of another remote', [['remote.other.mirrorUrl', 'https://m/x']]],
    ['mirrors of other URLs', [['mirror.https://elsewhere/.url', 'https://m/']]],
    [
      'a remote enabled for gam',
      [
        ['remote.origin.vcs', 'mirror'],
        ['remote.origin.url', URL_HERE],
        ['protocol.mirror.allow', 'always'],
      ],
    ],
    ['rewrites of other URLs', [['url.git@github.com:.insteadOf', 'https://github.com/']]],
    ['the rewrite that led here', [['url.mirror::http://h.example/.insteadOf', 'http://h.example/']]],
    ['other transports closed', [['protocol.file.allow', 'never']]],
    ['a rule for logins where there is none', [['transfer.credentialsInUrl', 'die']]],
    [
      'branches and other remotes',
      [
        ['branch.main.remote', 'origin'],
        ['remote.b.url', 'x'],
        ['remote.b.fetch', '+refs/*:refs/*'],
      ],
    ],
  ])('with %s', async (_, settings) => {
    await configure(settings);
    expect(await taken()).toBe('exec/git-remote-http');
  });

  test('outside a repository, in a fresh clone, in a linked worktree, with GAM_TRACE off', async () => {
    expect(await taken({ env: { GIT_DIR: undefined } })).toBe('exec/git-remote-http');
    writeFileSync(
      sandbox.path('repo/.git/packed-refs'),
      `${PACKED}${'1'.repeat(40)} refs/heads/refs/mirror\n`,
    );
    expect(await taken({ env: { GIT_DIR: '.git' } })).toBe('exec/git-remote-http');
    expect(await taken({ env: { GAM_TRACE: '0', GAM_DISABLE: '1' } })).toBe('exec/git-remote-http');
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'x'], { cwd: 'repo' });
    await sandbox.git(['worktree', 'add', '-q', '../linked'], { cwd: 'repo' });
    const linked = { GIT_DIR: sandbox.path('repo/.git/worktrees/linked') };
    expect(await taken({ env: linked })).toBe('exec/git-remote-http');
    mkdirSync(sandbox.path('repo/.git/refs/mirror'));
    expect(await taken({ env: linked })).toBe('programs/perl');
    rmSync(sandbox.path('linked'), { recursive: true });
  });

  test('and gets the environment as it was', async () => {
    const seen = sandbox.path('seen');
    mkdirSync(sandbox.path('other'), { recursive: true });
    symlinkSync('/usr/bin/env', sandbox.path('other/git-remote-http'));
    // Words that the launcher might use for itself; `env` prints what it gets, and fails to run `origin`.
    const names = ['config', 'key', 'line', 'url', 'common', 'file', 'prefix', 'program', 'self', 'target'];
    const own = Object.fromEntries(names.map((name) => [name, `of the user: ${name}`]));
    writeFileSync(
      sandbox.path('other/origin'),
      `#!${process.execPath}\nrequire('fs').writeFileSync('${seen}', JSON.stringify(process.env))`,
    );
    chmodSync(sandbox.path('other/origin'), 0o755);
    const path = `${sandbox.path('other')}:${sandbox.path('programs')}:${process.env['PATH']}`;
    await sandbox.run(LAUNCHER, ['origin', URL_HERE], { env: { ...environment(), ...own, PATH: path } });
    // What every shell sets.
    const {
      PWD: _pwd,
      OLDPWD: _old,
      SHLVL: _level,
      _: _last,
      ...rest
    } = JSON.parse(readFileSync(seen, 'utf8'));
    expect(rest).toEqual({ ...sandbox.env, ...environment(), ...own, PATH: path });
  });
});

describe('where canonical may have a list of mirrors', () => {
  const marks = () => sandbox.path('home/.local/state/gam/unlisted');

  test('node is started, and perl before it, until it was seen to have none, and again a day later', async () => {
    rmSync(marks(), { recursive: true });
    expect(await taken()).toBe('programs/perl');
    markUnlisted(`${URL_HERE}2`, sandbox.env);
    expect(await taken()).toBe('programs/perl');
    markUnlisted(URL_HERE, sandbox.env);
    expect(await taken()).toBe('exec/git-remote-http');
    const mark = readdirSync(marks()).find((name) => name.endsWith('.git')) ?? '';
    const since = new Date(Date.now() - 24 * 3_600_000 - 61_000);
    utimesSync(join(marks(), mark), since, since);
    expect(await taken()).toBe('programs/perl');
    markUnlisted(URL_HERE, sandbox.env, 60_000);
    expect(await taken()).toBe('exec/git-remote-http');
    markUnlisted(URL_HERE, sandbox.env, -60_000);
    expect(await taken()).toBe('programs/perl');
  });

  test('but not where gam is off, where git lists without a repository, nor where nothing can be kept', async () => {
    rmSync(marks(), { recursive: true });
    writeFileSync(sandbox.path('file'), '');
    for (const env of [
      { GAM_DISABLE: '1' },
      { GIT_DIR: undefined },
      { HOME: undefined, XDG_STATE_HOME: undefined },
      { HOME: 'relative', XDG_STATE_HOME: undefined },
      { XDG_STATE_HOME: sandbox.path('file') },
    ])
      expect(await taken({ env })).toBe('exec/git-remote-http');
    expect(await taken({ env: { XDG_STATE_HOME: 'relative' } })).toBe('programs/perl');
    expect(await taken({ env: { HOME: undefined, XDG_STATE_HOME: sandbox.path('other-state') } })).toBe(
      'programs/perl',
    );
    expect(await taken({ words: ['origin', `http://h/${'x'.repeat(250)}`] })).toBe('exec/git-remote-http');
  });

  test('the launcher finds the mark that was made, whatever the URL', async () => {
    const segment = fc.stringMatching(/^[\w.~%+,;=:'"$&*()[\]|-]{0,12}$/);
    const url = fc
      .tuple(fc.constantFrom('http', 'https'), fc.array(segment, { minLength: 1, maxLength: 5 }))
      .map(([scheme, path]) => `${scheme}://h.example/${path.join('/')}`)
      .filter((one) => !/\/-|\/\/.*\/\//.test(one));
    await fc.assert(
      fc.asyncProperty(url, async (one) => {
        rmSync(marks(), { recursive: true, force: true });
        expect(await taken({ words: ['origin', one] })).toBe('programs/perl');
        markUnlisted(one, sandbox.env);
        expect(await taken({ words: ['origin', one] })).toMatch(/^exec\//);
        expect(mayHaveList(one, sandbox.env)).toBe(false);
      }),
      { numRuns: 25 },
    );
  });
});

describe('perl starts git’s own web helper before node', () => {
  test.each([
    ['origin', 'origin'],
    [URL_HERE, URL_HERE],
    [`mirror::${URL_HERE}`, URL_HERE],
    ['', URL_HERE],
  ])('for %j, with the words that node would use, and node’s own', async (remote, name) => {
    await configure([['mirror.http://h.example/.url', 'https://m/']]);
    const [program, option, _script, ...rest] = await launch({ words: [remote, URL_HERE] });
    expect([program, option, ...rest]).toEqual([
      sandbox.path('programs/perl'),
      '-e',
      LAUNCHER,
      sandbox.path('exec/git-remote-http'),
      name,
      URL_HERE,
      remote,
      URL_HERE,
    ]);
  });

  test.each<[string, [string, string][]]>([
    ['a mirror of the remote', [['remote.origin.mirrorUrl', 'https://m/x']]],
    ['a preferred mirror', [['remote.origin.preferredMirror', 'https://m/x']]],
    ['mirrors of the host', [['mirror.http://h.example/.url', 'https://m/']]],
    ['mirrors of everything', [['mirror.http.url', 'https://m/']]],
    ['a setting of gam', [['gam.sweep', 'never']]],
  ])('with %s', async (_, settings) => {
    await configure(settings);
    expect(await taken()).toBe('programs/perl');
  });

  test.each<[string, Record<string, string>]>([
    ['GAM_TRACE', { GAM_TRACE: '1' }],
    ['a repository that is not there', { GIT_DIR: '/nowhere' }],
    ['git -c', { GIT_CONFIG_PARAMETERS: "'remote.origin.mirrorUrl'='https://m/x'" }],
    [
      'GIT_CONFIG_COUNT',
      { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'mirror.http://.url', GIT_CONFIG_VALUE_0: 'x' },
    ],
  ])('with %s', async (_, env) => {
    expect(await taken({ env })).toBe('programs/perl');
  });

  test.each<[string, () => Promise<unknown> | void]>([
    ['refs/mirror', () => mkdirSync(sandbox.path('repo/.git/refs/mirror'))],
    [
      'packed refs',
      () =>
        writeFileSync(
          sandbox.path('repo/.git/packed-refs'),
          `${PACKED}${'1'.repeat(40)} refs/mirror/h/heads/x\n`,
        ),
    ],
    ['packed refs that cannot be read', () => mkdirSync(sandbox.path('repo/.git/packed-refs'))],
    ['reftable', () => mkdirSync(sandbox.path('repo/.git/reftable'))],
    ['a quarantine', () => mkdirSync(sandbox.path('repo/.git/objects/tmp_objdir-gam-1-x'))],
  ])('when an earlier run may have left something: %s', async (_, leave) => {
    await leave();
    expect(await taken()).toBe('programs/perl');
    expect(await taken({ env: { GIT_DIR: '.git' } })).toBe('programs/perl');
  });

  test('when a quarantine lies in an object folder of its own', async () => {
    mkdirSync(sandbox.path('objects/tmp_objdir-gam-2-x'), { recursive: true });
    expect(await taken({ env: { GIT_OBJECT_DIRECTORY: sandbox.path('objects') } })).toBe('programs/perl');
  });

  test('when what worktrees share lies where the user says', async () => {
    mkdirSync(sandbox.path('common/refs/mirror'), { recursive: true });
    mkdirSync(sandbox.path('common/objects'));
    expect(await taken({ env: { GIT_COMMON_DIR: sandbox.path('common') } })).toBe('programs/perl');
  });

  test.each<[string, Record<string, string>]>([
    ['gam is switched off', { GAM_DISABLE: '1' }],
    ['Ctrl-C is kept from git', { GAM_SHIELD: 'env' }],
    ['perl has options of the user’s own', { PERL5OPT: '' }],
    ['there is no perl', { PATH: '@without perl' }],
  ])('but not where %s', async (_, { PATH: path, ...env }) => {
    await configure([['remote.origin.mirrorUrl', 'https://m/x']]);
    const programs = sandbox.path('without-perl');
    mkdirSync(programs, { recursive: true });
    const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    rmSync(join(programs, 'git'), { force: true });
    symlinkSync(git, join(programs, 'git'));
    rmSync(join(programs, 'node'), { force: true });
    symlinkSync(sandbox.path('programs/node'), join(programs, 'node'));
    const shell = path === undefined ? [] : ['/bin/sh'];
    const changed = path === undefined ? env : { PATH: `${sandbox.path('exec')}:${programs}` };
    const [program = ''] = await launch({ env: changed, shell });
    expect(basename(program)).toBe('node');
  });
});

describe('node takes over', () => {
  test.each<[string, [string, string][]]>([
    ['a rewrite', [['url.http://inner/.insteadOf', 'http://h.example/']]],
    ['a rewrite of everything', [['url.http://inner/.insteadOf', '']]],
    ['a rewrite to a base with spaces', [['url.x.insteadOf y.insteadOf', 'http://h.example/']]],
    ['the transport closed', [['protocol.http.allow', 'never']]],
    ['all transports closed', [['protocol.allow', 'user']]],
    [
      'a URL that git cut',
      [
        ['remote.origin.vcs', 'mirror'],
        ['remote.origin.url', `[::${URL_HERE}`],
      ],
    ],
    ['a value of two lines', [['remote.b.url', 'x\ny']]],
  ])('with %s', async (_, settings) => {
    await configure(settings);
    expect(await taken()).toBe('programs/node');
  });

  test.each<[string, Record<string, string>]>([
    ['GIT_ALLOW_PROTOCOL', { GIT_ALLOW_PROTOCOL: '' }],
    ['a configuration that git cannot read', { GIT_CONFIG_PARAMETERS: 'broken' }],
    ['no web helper where git puts it', { PATH: '@programs' }],
  ])('with %s', async (_, env) => {
    const path =
      env['PATH'] === undefined ? {} : { PATH: `${sandbox.path('programs')}:${process.env['PATH']}` };
    expect(await taken({ env: { ...env, ...path } })).toBe('programs/node');
  });

  test('for a login in the URL where a rule speaks of it', async () => {
    await configure([['transfer.credentialsInUrl', 'warn']]);
    expect(await taken({ words: ['origin', 'http://me:pw@h/x'] })).toBe('programs/node');
  });

  test.each([
    'ssh://h/x',
    'h:x',
    '/x',
    'file:///x',
    'ftp://h/x',
    'HTTP://h/x',
    'http://-h/x',
    'http://me@-h/x',
    'http://h/a b',
  ])('for %s', async (url) => {
    expect(await launch({ words: ['origin', url] })).toEqual([
      sandbox.path('programs/node'),
      `${LAUNCHER}.js`,
      'origin',
      url,
    ]);
  });

  test('for a remote whose name looks like another key', async () => {
    await configure([['remote.x.url y.mirrorUrl', 'https://m/x']]);
    expect(await taken({ words: ['x.url y', URL_HERE] })).toBe('programs/node');
  });

  test('for its own words', async () => {
    expect(await launch({ words: OWN_WORDS })).toEqual([
      sandbox.path('programs/node'),
      `${LAUNCHER}.js`,
      ...OWN_WORDS,
    ]);
    expect(await launch({ words: [] })).toEqual([sandbox.path('programs/node'), `${LAUNCHER}.js`]);
  });
});

type Setting = readonly [section: string, subsection: string | null, name: string, value: string];

/** Settings that decide, and others that look like them. */
const SETTINGS: readonly Setting[] = [
  ...['origin', 'other', 'x.url y', 'origin.mirrorurl'].flatMap((remote): Setting[] => [
    ['remote', remote, 'mirrorUrl', 'https://m/x'],
    ['remote', remote, 'preferredMirror', 'x y'],
    ['remote', remote, 'url', 'a\nmirror.http://h.example/.url b'],
    ['remote', remote, 'fetch', '+refs/*:refs/*'],
  ]),
  ['remote', 'origin', 'mirrorUrl', ''],
  ['remote', 'origin', 'vcs', 'mirror'],
  ['remote', 'origin', 'url', `[::${URL_HERE}`],
  ...[
    'http://h.example/',
    'http://h.example',
    'http://h.example/te',
    'http://elsewhere/',
    'http://h.example/ a',
    'mirror::http://h.example/',
    'a.insteadof b',
  ].flatMap((base): Setting[] => [
    ['mirror', base, 'url', 'https://m/'],
    ['url', base, 'insteadOf', 'http://h.example/'],
    ['url', base, 'insteadOf', 'https://h.example/'],
    ['url', base, 'pushInsteadOf', 'http://h.example/'],
  ]),
  ['url', 'x', 'insteadOf', ''],
  ['mirror', null, 'url', 'https://m/'],
  ['gam', null, 'connectTimeout', '5s'],
  ['gam', null, 'connectTimeout', 'soon'],
  ['GAM', null, 'lowSpeedLimit', 'x\ny'],
  ...['always', 'never', 'user', ''].flatMap((policy): Setting[] => [
    ['protocol', 'http', 'allow', policy],
    ['protocol', 'mirror', 'allow', policy],
    ['protocol', 'HTTP', 'allow', policy],
    ['protocol', null, 'allow', policy],
  ]),
  ['transfer', null, 'credentialsInUrl', 'warn'],
  ['transfer', null, 'credentialsInUrl', 'die'],
];

function written([section, subsection, name, value]: Setting): string {
  const quoted = (text: string) => `"${text.replaceAll('\n', '\\n')}"`;
  return `[${section}${subsection === null ? '' : ` ${quoted(subsection)}`}]\n\t${name} = ${quoted(value)}\n`;
}

/** The helper itself, run here on the same words: what it says, what it does, and whom it starts. */
async function help(remote: string, url: string): Promise<{ said: string[]; did: string[]; called: string }> {
  const said: string[] = [];
  const did: string[] = [];
  const say = (text: string) => void said.push(text);
  const own: HelperProcess = {
    env: { ...sandbox.env, ...environment() },
    cwd: repo,
    pid: process.pid,
    ppid: process.ppid,
    self: [process.execPath],
    guess: null,
    leadIn: null,
    streams: () => ({ input: Readable.from([]), output: new PassThrough() }),
    interrupt: new AbortController(),
  };
  const git = openSync('/dev/null', 'r');
  const tools = {
    lines: new CommandLines(git),
    reply: say,
    report: Object.assign(new Report(), { line: say, warning: say, progress: say }),
    trace: (step: string, facts = {}) => void did.push(`${step} ${JSON.stringify(facts)}`),
    hand: new Hand({ holds: () => undefined, broke: () => undefined, tell: say }),
  };
  rmSync(sandbox.path('called'), { force: true });
  try {
    await runHelper({ remote, url }, own, tools);
  } catch (error) {
    say(String(error));
  } finally {
    closeSync(git);
  }
  const called = existsSync(sandbox.path('called')) ? readFileSync(sandbox.path('called'), 'utf8') : '';
  return { said, did, called };
}

test('git’s web helper never takes over where node would do something, nor starts where node starts no such one', async () => {
  let plain = 0;
  let led = 0;
  const run = async (settings: readonly Setting[], remote: string, url: string) => {
    const own = '[core]\n\trepositoryformatversion = 0\n';
    writeFileSync(sandbox.path('repo/.git/config'), own + settings.map(written).join(''));
    const called = await launch({ words: [remote, url] });
    if (called[0] === sandbox.path('programs/node')) return;
    if (called[0] === sandbox.path('programs/perl')) {
      led += 1;
      expect((await help(remote, url)).called).toBe(`${called.slice(4, 7).join('\0')}\0`);
      return;
    }
    plain += 1;
    const did = ['start {"transport":"http","mirrors":0}', 'end {"status":7}'];
    expect(await help(remote, url)).toEqual({ said: [], did, called: `${called.join('\0')}\0` });
  };
  // Each by itself, for every kind of name and URL, and then together.
  const remotes = ['origin', 'x.url y', URL_HERE];
  const urls = [URL_HERE, 'http://me:pw@h.example/x'];
  for (const setting of SETTINGS) {
    for (const remote of remotes) for (const url of urls) await run([setting], remote, url);
  }
  const several = fc.array(fc.constantFrom(...SETTINGS), { minLength: 2, maxLength: 4 });
  await fc.assert(fc.asyncProperty(several, fc.constantFrom(...remotes), fc.constantFrom(...urls), run), {
    numRuns: 75,
  });
  expect(plain).toBeGreaterThan(100);
  expect(led).toBeGreaterThan(20);
}, 120_000);

/** The ways to start the launcher that this machine has: as git does, and each by a shell of another family. */
const SHELLS = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'sh'],
  ['mksh'],
  ['zsh', '--emulate', 'sh'],
].filter(([name = '']) =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${name}`)),
);

describe.each(SHELLS.map((shell) => ({ shell })))('with $shell', ({ shell }) => {
  test('all ways are found', async () => {
    writeFileSync(sandbox.path('repo/.git/packed-refs'), PACKED);
    expect(await taken({ shell })).toBe('exec/git-remote-http');
    await configure([
      ['remote.a.url', 'x y'],
      ['mirror.http://h.example/*.url', 'https://m/'],
      ['url.http://[a-z]*/.insteadOf', 'http://*'],
    ]);
    expect(await taken({ shell })).toBe('exec/git-remote-http');
    await configure([['mirror.http://h.example/team.url', 'https://m/']]);
    expect(await taken({ shell })).toBe('programs/perl');
    await configure([['protocol.http.allow', 'never']]);
    expect(await taken({ shell })).toBe('programs/node');
  });
});

describe('the program is found', () => {
  test('through links, relative ones and links to links, and from a folder that is a link itself', async () => {
    mkdirSync(sandbox.path('prefix/lib'), { recursive: true });
    mkdirSync(sandbox.path('prefix/bin dir'));
    symlinkSync(dirname(dirname(LAUNCHER)), sandbox.path('prefix/lib/gam'));
    symlinkSync('../lib/gam/bin/git-remote-mirror', sandbox.path('prefix/bin dir/second'));
    symlinkSync('second', sandbox.path('prefix/bin dir/git-remote-mirror'));
    symlinkSync('prefix/bin dir', sandbox.path('elsewhere'));
    const real = execFileSync('sh', ['-c', 'cd -P "$1" && pwd -P', 'sh', dirname(LAUNCHER)], {
      encoding: 'utf8',
    });
    mkdirSync(sandbox.path('with-perl'));
    symlinkSync(sandbox.path('programs/node'), sandbox.path('with-perl/node'));
    writeFileSync(sandbox.path('with-perl/git-remote-http'), '#!/bin/sh\n');
    chmodSync(sandbox.path('with-perl/git-remote-http'), 0o755);
    const byShell = [['--version'], environment()] as const;
    const byPerl = [
      ['origin', URL_HERE],
      { ...environment(), GAM_TRACE: '1', PATH: `${sandbox.path('with-perl')}:${process.env['PATH']}` },
    ] as const;
    for (const [command, cwd] of [
      [sandbox.path('elsewhere/git-remote-mirror'), '.'],
      ['./git-remote-mirror', 'elsewhere'],
    ] as const) {
      for (const [words, env] of [byShell, byPerl]) {
        rmSync(sandbox.path('called'), { force: true });
        await sandbox.run(command, words, { cwd, env, expectStatus: 7 });
        const [, program, ...rest] = readFileSync(sandbox.path('called'), 'utf8').split('\0').slice(0, -1);
        expect(program).toBe(`${real.trimEnd()}/git-remote-mirror.js`);
        // perl hands its line on, too.
        expect(rest.slice(0, words.length)).toEqual(words);
        expect(rest).toHaveLength(words === byPerl[0] ? words.length + 1 : words.length);
      }
    }
  });
});
