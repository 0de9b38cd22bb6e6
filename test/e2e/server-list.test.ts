import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import { recallList, rememberList } from '../../src/state/mirror-lists.ts';
import { markUnlisted, mayHaveList } from '../../src/state/unlisted.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { type AnswerList, type ListServer, listing, naming, offerList } from '../helpers/list-server.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// canonical tells its mirrors itself: nothing is configured but that mirrors on this machine are welcome.

let sandbox: Sandbox;
let canonical: HttpServer;
let mirrors: HttpServer;
let list: ListServer;
let url: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/project', { commits: 120, tags: 3 });
  await cloneBare(sandbox, 'served/project', 'mirrors/one');
  await cloneBare(sandbox, 'served/project', 'mirrors/two');
  const { serverEnv: env } = sandbox;
  canonical = await startHttpServer({ root: sandbox.path('served'), env });
  mirrors = await startHttpServer({ root: sandbox.path('mirrors'), env });
  list = offerList(canonical, sandbox.path('served'), env);
  url = `${canonical.url}/project`;
});

afterAll(async () => {
  await canonical.close();
  await mirrors.close();
  await sandbox.close();
});

let number = 0;
beforeEach(() => {
  number += 1;
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
  list.offers = true;
  list.answer = naming(`${mirrors.url}/one`, `${mirrors.url}/two`);
  list.asked.length = 0;
  canonical.requests.length = 0;
  mirrors.requests.length = 0;
});
afterEach(() => expectNoChildren(sandbox));

const ACCEPT = ['-c', 'gam.acceptMirrorUrl=http://127.0.0.1:*/*'];
const LATE = ['-c', 'gam.connectTimeout=500ms'];

/** Clones, and finds what plain git would. */
async function clone(...options: string[]): Promise<{ stderr: string; name: string }> {
  const name = `clone-${number}`;
  rmSync(sandbox.path(name), { recursive: true, force: true });
  const { stderr } = await sandbox.git([...ACCEPT, ...options, 'clone', `mirror::${url}`, name]);
  await expectSameRefs(sandbox, name, 'served/project', asFetched);
  return { stderr, name };
}

async function fetch(name: string, ...options: string[]): Promise<string> {
  const { stderr } = await sandbox.git([...ACCEPT, ...options, 'fetch'], { cwd: name });
  await expectSameRefs(sandbox, name, 'served/project', asFetched);
  return stderr;
}

/** The requests that mirrors have had for objects. */
const served = () => mirrors.requests.filter(({ method }) => method === 'POST').map(({ path }) => path);

async function ahead(commits = 5): Promise<void> {
  await addCommits(sandbox, 'served/project', commits, { seed: 100 + number });
}

function expire(): Promise<boolean> {
  return rememberList(url, (kept) => ({ ...kept, asked: kept.asked - kept.ttl * 1000 }), sandbox.env);
}

describe('a clone without any mirror configured', () => {
  test('asks canonical, and takes what it can from one of the mirrors that it names', async () => {
    const { stderr, name } = await clone();
    expect(list.asked).toEqual([{ url: null, skip: 0 }]);
    expect(stderr).toMatch(/gam: fetching from 127\.0\.0\.1:\d+/);
    expect(served().length).toBeGreaterThan(0);
    await expectClean(sandbox, name);
  });

  test.each([['--depth=3'], ['--filter=blob:none'], ['--single-branch']])('also with %s', async (option) => {
    for (const name of ['served/project', 'mirrors/one', 'mirrors/two'])
      await sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: name });
    const args = ['clone', '-q', option, `mirror::${url}`, `cut-${number}`];
    const { stderr } = await sandbox.git([...ACCEPT, ...args]);
    expect(stderr).toBe('');
    expect(list.asked).toHaveLength(1);
    expect(served().length).toBeGreaterThan(0);
    const tip = (cwd: string) => sandbox.git(['rev-parse', 'main'], { cwd });
    expect((await tip(`cut-${number}`)).stdout).toBe((await tip('served/project')).stdout);
  });

  test('under gam clone, too', async () => {
    await sandbox.run('gam', ['clone', url, `through-${number}`, ...ACCEPT]);
    await expectSameRefs(sandbox, `through-${number}`, 'served/project', asFetched);
    expect(list.asked).toHaveLength(1);
    expect(served().length).toBeGreaterThan(0);
  });

  test('takes nothing from mirrors that the user does not accept', async () => {
    const { stderr } = await clone('-c', 'gam.acceptMirrorUrl=', '-c', 'gam.acceptMirrorUrl=https://*');
    expect(list.asked).toHaveLength(1);
    expect(mirrors.requests).toEqual([]);
    expect(stderr).not.toContain('gam:');
  });

  test('asks for no list where the user accepts none, or gam is switched off', async () => {
    await clone('-c', 'gam.acceptMirrorUrl=');
    const { stderr } = await sandbox.git([...ACCEPT, 'clone', '-q', `mirror::${url}`, `off-${number}`], {
      env: { GAM_DISABLE: '1' },
    });
    expect(stderr).toBe('');
    expect(list.asked).toEqual([]);
  });
});

test.each([0, 1, 1000])('a list of %i mirrors is taken as far as that is sane', async (count) => {
  const others = Array.from({ length: count }, (_, index) => `https://m${index}.invalid/x`);
  const own = count === 0 ? [] : [`${mirrors.url}/one`];
  list.answer = naming(...own, ...others.slice(1));
  const { stderr } = await clone('-c', 'gam.acceptMirrorUrl=https://*');
  expect(stderr.includes('gam: fetching from')).toBe(count > 0);
  expect(recallList(url, sandbox.env)?.mirrors.length).toBe(Math.min(count, 32));
});

describe('a fetch', () => {
  test('does not ask again within the time for which a list is good, and uses it', async () => {
    list.answer = listing([
      ['a.url', `${mirrors.url}/one`],
      ['ttl', 3600],
    ]);
    const { name } = await clone();
    await ahead();
    expect(await fetch(name)).toContain('127.0.0.1');
    await sandbox.git([...ACCEPT, 'clone', '-q', `mirror::${url}`, `again-${number}`]);
    expect(list.asked).toHaveLength(1);
  });

  test('asks anew when that is over, if there is something to fetch', async () => {
    list.answer = listing([
      ['a.url', `${mirrors.url}/one`],
      ['ttl', 0],
    ]);
    const { name } = await clone();
    expect(recallList(url, sandbox.env)).toMatchObject({ ttl: 60 });
    await expire();
    await fetch(name);
    expect(list.asked).toHaveLength(1);
    await ahead();
    await fetch(name);
    expect(list.asked).toHaveLength(2);
    expect(recallList(url, sandbox.env)?.mirrors).toHaveLength(1);
  });

  test('learns of mirrors in a repository that was cloned without', async () => {
    await sandbox.git(['clone', '-q', url, `plain-${number}`]);
    await sandbox.git(['remote', 'set-url', 'origin', `mirror::${url}`], { cwd: `plain-${number}` });
    await ahead();
    await cloneBare(sandbox, 'served/project', `mirrors/new-${number}`);
    list.answer = naming(`${mirrors.url}/new-${number}`);
    expect(await fetch(`plain-${number}`)).toContain('gam: fetching from');
    expect(list.asked).toHaveLength(1);
  });
});

test('git ls-remote and git push ask for no list', async () => {
  const { name } = await clone();
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
  list.asked.length = 0;
  await sandbox.git([...ACCEPT, 'ls-remote', 'origin'], { cwd: name });
  await sandbox.git([...ACCEPT, 'ls-remote', `mirror::${url}`]);
  await sandbox.git(['init', '-q', `empty-${number}`]);
  await sandbox.git([...ACCEPT, 'ls-remote', `mirror::${url}`], { cwd: `empty-${number}` });
  await sandbox.git([...ACCEPT, 'push', 'origin', 'HEAD:refs/heads/x'], { cwd: name, expectStatus: null });
  expect(list.asked).toEqual([]);
});

describe('a server without a list', () => {
  test('is never asked, and remembered, so that node is not started for it', async () => {
    list.offers = false;
    await clone();
    expect(list.asked).toEqual([]);
    expect(mayHaveList(url, sandbox.env)).toBe(false);
  });

  test('is seen to have one by now, a day later', async () => {
    markUnlisted(url, sandbox.env);
    await clone();
    expect(list.asked).toEqual([]);
    const folder = sandbox.path('home/.local/state/gam/unlisted');
    const [mark = ''] = readdirSync(folder);
    const longAgo = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(`${folder}/${mark}`, longAgo, longAgo);
    await clone();
    expect(list.asked).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('loses the list that it had', async () => {
    const { name } = await clone();
    list.offers = false;
    await ahead();
    await fetch(name);
    expect(recallList(url, sandbox.env)).toBeNull();
    expect(mayHaveList(url, sandbox.env)).toBe(false);
  });
});

const RESULT = { 'Content-Type': 'application/x-git-upload-pack-result' };
const entry = (index: number) => linePacket(`mirror.m${index}.url=https://m${index}.invalid/x`).raw;

const HOSTILE: [string, AnswerList][] = [
  [
    'a million entries',
    (_, response) => {
      response.writeHead(200, RESULT);
      let index = 0;
      const more = () => {
        while (index < 1_000_000 && !response.destroyed) {
          index += 1;
          if (!response.write(entry(index))) return void response.once('drain', more);
        }
        response.end(FLUSH.raw);
      };
      more();
    },
  ],
  [
    'a line of a gigabyte',
    (_, response) => {
      response.writeHead(200, RESULT);
      const piece = Buffer.alloc(1 << 20, 'x');
      let sent = 0;
      const more = () => {
        while (sent < 1024 && !response.destroyed) {
          sent += 1;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    },
  ],
  ['silence', () => undefined],
  [
    'a slow drip',
    (_, response) => {
      response.writeHead(200, RESULT);
      const timer = setInterval(() => response.write('0'), 100);
      response.once('close', () => clearInterval(timer));
    },
  ],
  ['401', (_, response) => void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()],
  ['500', (_, response) => void response.writeHead(500).end('no')],
  ['an HTML page', (_, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>')],
  ['a page in git’s clothes', (_, response) => void response.writeHead(200, RESULT).end('<html></html>')],
  ['an ERR packet', (_, response) => void response.writeHead(200, RESULT).end(linePacket('ERR no').raw)],
  ['a hang-up', (_, response) => void response.destroy()],
  [
    'a hang-up in the middle',
    (_, response) => void response.writeHead(200, RESULT).write(entry(1), () => response.destroy()),
  ],
  ['nothing', (_, response) => void response.writeHead(200, RESULT).end()],
  ['no end', (_, response) => void response.writeHead(200, RESULT).end(entry(1))],
  [
    'a delimiter',
    (_, response) => void response.writeHead(200, RESULT).end(Buffer.concat([DELIM.raw, FLUSH.raw])),
  ],
  [
    'another version',
    listing([
      ['version', 2],
      ['a.url', 'https://m.invalid/x'],
    ]),
  ],
  [
    'two URLs of one id',
    listing([
      ['a.url', 'https://m.invalid/x'],
      ['a.url', 'https://n.invalid/x'],
    ]),
  ],
];

describe('does no harm:', () => {
  test.each(HOSTILE)('%s', async (_, answer) => {
    list.answer = answer;
    const { name, stderr } = await clone(...LATE);
    expect(stderr).not.toContain('gam:');
    expect(list.asked.length).toBeGreaterThan(0);
    expect(recallList(url, sandbox.env)?.mirrors).toEqual([]);
    // Neither does it in a repository that has something, nor is it asked at once again.
    const before = list.asked.length;
    await ahead();
    await fetch(name, ...LATE);
    expect(list.asked).toHaveLength(before);
    await expire();
    await ahead();
    await fetch(name, ...LATE);
    expect(list.asked.length).toBeGreaterThan(before);
  });

  test.each<[string, [string, string | number][], number]>([
    [
      '__proto__',
      [
        ['__proto__.url', 'https://m.invalid/x'],
        ['constructor.url', 'https://n.invalid/x'],
      ],
      2,
    ],
    ['a ttl of 10^18', [['ttl', '1000000000000000000']], 0],
    [
      'priorities that are none',
      [
        ['a.url', 'https://m.invalid/x'],
        ['a.priority', 'NaN'],
      ],
      1,
    ],
  ])('%s', async (_, variables, count) => {
    list.answer = listing(variables);
    await clone('-c', 'gam.acceptMirrorUrl=https://*');
    const kept = recallList(url, sandbox.env);
    expect(kept?.mirrors).toHaveLength(count);
    expect(kept?.ttl).toBeLessThan(1e8);
  });
});

describe('where all mirrors that are known have failed', () => {
  const dead = (index: number) => `http://127.0.0.1:1/dead-${index}`;

  test('more are asked for, and used', async () => {
    list.answer = ({ skip }, response) =>
      (skip === 0
        ? listing([
            ['a.url', dead(1)],
            ['b.url', dead(2)],
            ['more', 1],
          ])
        : naming(`${mirrors.url}/one`))({ url: null, skip }, response);
    const { stderr } = await clone();
    expect(list.asked.map(({ skip }) => skip)).toEqual([0, 2]);
    expect(stderr).toContain('gam: fetching from 127.0.0.1');
    expect(recallList(url, sandbox.env)).toMatchObject({ more: 0, listed: 3 });
    expect(recallList(url, sandbox.env)?.mirrors).toHaveLength(3);
  });

  test('a server that has more without end is asked twice, and no more', async () => {
    list.answer = ({ skip }, response) =>
      listing([
        ['a.url', dead(skip)],
        ['more', 1_000_000],
      ])({ url: null, skip }, response);
    await clone();
    expect(list.asked.map(({ skip }) => skip)).toEqual([0, 1, 2]);
  });

  test('and one that is silent then costs one time-out', async () => {
    list.answer = ({ skip }, response) => {
      if (skip === 0)
        listing([
          ['a.url', dead(1)],
          ['more', 1],
        ])({ url: null, skip }, response);
    };
    await clone(...LATE);
    expect(list.asked.map(({ skip }) => skip)).toEqual([0, 1]);
  });
});

describe('what canonical advises', () => {
  const config = async (name: string) =>
    (await sandbox.git(['config', '--get-regexp', '^remote.origin.m'], { cwd: name, expectStatus: null }))
      .stdout;

  test('for good is written into the configuration of the repository, and once', async () => {
    list.answer = listing([
      ['a.url', `${mirrors.url}/one`],
      ['prefer', 'permanent'],
      ['more', 7],
    ]);
    const { name } = await clone();
    const expected = 'remote.origin.mirrorsfirst true\nremote.origin.moremirrors 7\n';
    expect(await config(name)).toBe(expected);
    await expire();
    await ahead();
    await fetch(name);
    expect(await config(name)).toBe(expected);
  });

  test('does not count more than the user’s word, nor fail a fetch where it cannot be written', async () => {
    list.answer = listing([
      ['a.url', `${mirrors.url}/one`],
      ['prefer', 'permanent'],
      ['more', 7],
    ]);
    await sandbox.git(['clone', '-q', url, `own-${number}`]);
    const own = { cwd: `own-${number}` };
    await sandbox.git(['remote', 'set-url', 'origin', `mirror::${url}`], own);
    await sandbox.git(['config', 'remote.origin.mirrorsFirst', 'false'], own);
    await ahead();
    writeFileSync(sandbox.path(`own-${number}/.git/config.lock`), '');
    await fetch(`own-${number}`);
    expect(await config(`own-${number}`)).toBe('remote.origin.mirrorsfirst false\n');
    rmSync(sandbox.path(`own-${number}/.git/config.lock`));
    await ahead();
    await fetch(`own-${number}`);
    expect(await config(`own-${number}`)).toBe(
      'remote.origin.mirrorsfirst false\nremote.origin.moremirrors 7\n',
    );
  });

  test.each(['temporary', 'permanent'])(
    '%s has mirrors asked while canonical still answers',
    async (prefer) => {
      const variables: [string, string][] = [['a.url', `${mirrors.url}/one`]];
      list.answer = listing([...variables, ['prefer', prefer]]);
      const { name } = await clone();
      const trace = sandbox.path(`trace-${number}`);
      await sandbox.git([...ACCEPT, 'fetch'], { cwd: name, env: { GAM_TRACE: trace } });
      expect(readFileSync(trace, 'utf8')).toContain('race-ahead');
      // Nobody has asked for that.
      list.answer = listing(variables);
      await expire();
      await sandbox.git(['config', 'remote.origin.mirrorsFirst', 'false'], { cwd: name });
      const other = sandbox.path(`other-${number}`);
      await sandbox.git([...ACCEPT, 'fetch'], { cwd: name, env: { GAM_TRACE: other } });
      expect(readFileSync(other, 'utf8')).not.toContain('race-ahead');
    },
  );
});

describe('what canonical says of itself', () => {
  test.each<[string, string]>([
    ['deprecated', 'canonical says it is deprecated; its successor is https://new.example.com/x'],
    ['refusing', 'canonical says it takes no more fetches; its successor is https://new.example.com/x'],
    [
      'moved',
      'canonical has moved to https://new.example.com/x; to follow it: gam mirrors refresh --accept-move',
    ],
  ])('%s is told in one line, once a day', async (state, line) => {
    list.answer = listing([
      ['state', state],
      ['successor', 'https://me:secret@new.example.com/x'],
    ]);
    const { stderr, name } = await clone();
    expect(stderr.split('\n').filter((one) => one.startsWith('gam: '))).toEqual([`gam: ${line}`]);
    expect(await fetch(name)).toBe('');
    await rememberList(url, (kept) => ({ ...kept, told: kept.told - 25 * 3_600_000 }), sandbox.env);
    expect(await fetch(name)).toBe(`gam: ${line}\n`);
    await expire();
    await ahead();
    expect(await fetch(name)).not.toContain('gam: canonical');
    expect((await sandbox.git(['config', 'remote.origin.url'], { cwd: name })).stdout).toBe(
      `mirror::${url}\n`,
    );
  });
});

test('what does not stand in a list of this server’s is not read from a file of another’s', async () => {
  await clone();
  const folder = sandbox.path('home/.local/state/gam/lists');
  const [file = ''] = readdirSync(folder);
  const text = readFileSync(`${folder}/${file}`, 'utf8');
  writeFileSync(`${folder}/${file}`, text.replace(url, `${url}2`));
  expect(recallList(url, sandbox.env)).toBeNull();
  expect(existsSync(`${folder}/${file}`)).toBe(true);
});

test('gam audit tells of the mirrors of the list, too, and which of them nobody would contact', async () => {
  list.answer = naming(`${mirrors.url}/one`, 'git://refused.example/two');
  await clone();
  const { stdout } = await sandbox.run('gam', ['audit', '--json', url], {
    env: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'gam.acceptMirrorUrl',
      GIT_CONFIG_VALUE_0: 'http://127.0.0.1:*/*',
    },
  });
  const { hosts } = JSON.parse(stdout) as { hosts: Record<string, unknown>[] };
  expect(hosts.map(({ url: at, source, state }) => ({ at, source, state }))).toEqual([
    { at: url, source: null, state: 'ready' },
    { at: `${mirrors.url}/one`, source: 'server', state: 'ready' },
    { at: 'git://refused.example/two', source: 'server', state: 'refused' },
  ]);
});
