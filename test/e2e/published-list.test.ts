import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import { recallList, rememberList } from '../../src/state/mirror-lists.ts';
import { mayHaveList } from '../../src/state/unlisted.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { fakeSsh } from '../helpers/fake-ssh.ts';
import { startGitDaemon } from '../helpers/git-daemon.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { below, seededRandom } from '../helpers/random.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// canonical is a plain git server. Somebody who may push there has published a list of mirrors; a client that was told
// nothing finds it.

const REF = 'refs/meta/mirrors';

let sandbox: Sandbox;
let canonical: HttpServer;
let mirrors: HttpServer;
let url: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/project', { commits: 120, tags: 3 });
  await cloneBare(sandbox, 'served/project', 'mirrors/one');
  await cloneBare(sandbox, 'served/project', 'mirrors/two');
  const { serverEnv: env } = sandbox;
  const config = { 'uploadpack.allowFilter': 'true' };
  canonical = await startHttpServer({ root: sandbox.path('served'), env, config, push: true });
  mirrors = await startHttpServer({ root: sandbox.path('mirrors'), env, config });
  url = `${canonical.url}/project`;
  await sandbox.git(['clone', '-q', url, 'publisher']);
});
afterAll(async () => {
  await canonical.close();
  await mirrors.close();
  await sandbox.close();
});

let number = 0;
beforeEach(async () => {
  number += 1;
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
  await sandbox.git(['update-ref', '-d', REF], { cwd: 'served/project' });
  canonical.answer = null;
  canonical.requests.length = 0;
  mirrors.requests.length = 0;
});
afterEach(() => expectNoChildren(sandbox));

const ACCEPT = ['-c', 'gam.acceptMirrorUrl=http://127.0.0.1:*/*'];
const LATE = ['-c', 'gam.connectTimeout=500ms'];

async function publish(...names: string[]): Promise<void> {
  const cwd = 'publisher';
  await sandbox.git(['config', '--unset-all', 'remote.origin.mirrorUrl'], { cwd, expectStatus: null });
  for (const name of names)
    await sandbox.git(['config', '--add', 'remote.origin.mirrorUrl', `${mirrors.url}/${name}`], { cwd });
  await sandbox.run('gam', ['mirrors', 'publish', '--force', '-q'], { cwd });
  canonical.requests.length = 0;
}

async function clone(...options: string[]): Promise<{ name: string; stderr: string }> {
  const name = `clone-${number}`;
  rmSync(sandbox.path(name), { recursive: true, force: true });
  const { stderr } = await sandbox.git([...ACCEPT, ...options, 'clone', `mirror::${url}`, name]);
  await expectSameRefs(sandbox, name, 'served/project', asFetched);
  await expectClean(sandbox, name);
  return { name, stderr };
}

async function fetch(name: string, ...options: string[]): Promise<string> {
  const { stderr } = await sandbox.git([...ACCEPT, ...options, 'fetch'], { cwd: name });
  await expectSameRefs(sandbox, name, 'served/project', asFetched);
  return stderr;
}

const ahead = () => addCommits(sandbox, 'served/project', 5, { seed: 500 + number });
const kept = (of = url) => recallList(of, sandbox.env, 'published');
const named = () => kept()?.mirrors.map((mirror) => mirror.url);
const posts = ({ requests }: HttpServer) => requests.filter(({ method }) => method === 'POST').length;
const expire = () =>
  rememberList(url, (list) => ({ ...list, asked: list.asked - list.ttl * 1000 }), sandbox.env, 'published');

describe('a list that is published on a plain server', () => {
  test('is found by a client that knows nothing, and used from the second clone on', async () => {
    await publish('one', 'two');
    expect((await clone()).stderr).not.toContain('gam:');
    expect(named()).toEqual([`${mirrors.url}/one`, `${mirrors.url}/two`]);
    expect(mirrors.requests).toEqual([]);
    const { name, stderr } = await clone();
    expect(stderr).toMatch(/gam: fetching from 127\.0\.0\.1:\d+/);
    expect(posts(mirrors)).toBeGreaterThan(0);
    const { stdout } = await sandbox.run('gam', ['mirrors', 'list', '--json'], { cwd: name });
    const listed = JSON.parse(stdout) as { source: string }[];
    expect(listed.map(({ source }) => source)).toEqual(['published', 'published']);
  });

  test('costs no round trip before git has its answer, and none at all once it is known', async () => {
    await sandbox.git(['clone', '-q', url, `plain-${number}`]);
    const plain = canonical.requests.map(({ method, path }) => `${method} ${path}`);
    await publish('one');
    const finished: number[] = [];
    const before: number[] = [];
    canonical.answer = (_, response) => {
      const mine = canonical.requests.length;
      before.push(finished.length);
      response.once('finish', () => finished.push(mine));
      return false;
    };
    await clone();
    const first = canonical.requests.splice(0).map(({ method, path }) => `${method} ${path}`);
    expect(first.slice(0, -1)).toEqual(plain);
    expect(first).toHaveLength(plain.length + 1);
    // Each comes when the one before is answered, and so the last one behind git's pack.
    expect(before).toEqual([0, 1, 2, 3]);
    await clone();
    const second = canonical.requests.map(({ method, path }) => `${method} ${path}`);
    expect(second).toEqual(plain.slice(0, 2));
  });

  test('is read behind a fetch that brings something, not by one that does not', async () => {
    await sandbox.git(['clone', '-q', `mirror::${url}`, `clone-${number}`]);
    const name = `clone-${number}`;
    await publish('one');
    rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
    await fetch(name);
    expect(kept()).toBeNull();
    await ahead();
    await sandbox.git(['fetch', '-q', sandbox.path('served/project'), 'main:main'], { cwd: 'mirrors/one' });
    expect(await fetch(name)).not.toContain('gam:');
    expect(named()).toEqual([`${mirrors.url}/one`]);
    await addCommits(sandbox, 'served/project', 5, { seed: 900 + number });
    await sandbox.git(['fetch', '-q', sandbox.path('served/project'), 'main:main'], { cwd: 'mirrors/one' });
    expect(await fetch(name)).toContain('gam: fetching from 127.0.0.1');
  });

  test.each([['--depth=3'], ['--filter=blob:none'], ['--single-branch'], ['--bare']])(
    'is read behind a clone with %s, too',
    async (option) => {
      await publish('one');
      const args = ['clone', '-q', option, `mirror::${url}`, `cut-${number}`];
      expect((await sandbox.git([...ACCEPT, ...args])).stderr).toBe('');
      expect(named()).toEqual([`${mirrors.url}/one`]);
    },
  );

  test('is read anew when it is another one, and forgotten when it is withdrawn', async () => {
    await publish('one');
    const { name } = await clone();
    await publish('two');
    await ahead();
    await fetch(name);
    expect(named()).toEqual([`${mirrors.url}/two`]);
    await sandbox.git(['push', '-q', 'origin', `:${REF}`], { cwd: 'publisher' });
    await fetch(name);
    expect(kept()).toBeNull();
    expect(mayHaveList(url, sandbox.env)).toBe(false);
    expect((await clone()).stderr).not.toContain('gam:');
  });

  test('stands behind the mirrors of the user, and is dropped by gam mirrors refresh --forget', async () => {
    await publish('one', 'two');
    const { name } = await clone();
    const own = ['-c', `remote.origin.mirrorUrl=${mirrors.url}/two`];
    const list = async () => {
      const { stdout } = await sandbox.git(
        [...ACCEPT, ...own, '-c', 'alias.g=!gam', 'g', 'mirrors', 'list', '--json'],
        {
          cwd: name,
        },
      );
      return (JSON.parse(stdout) as { url: string; source: string }[]).map(
        ({ url: at, source }) => `${at.slice(-3)} ${source}`,
      );
    };
    expect((await list()).sort()).toEqual(['one published', 'two config']);
    const audited = await sandbox.run('gam', ['audit', '--json'], { cwd: name });
    expect(audited.stdout).toContain('"source": "published"');
    const { stdout } = await sandbox.run('gam', ['mirrors', 'refresh', '--forget'], { cwd: name });
    expect(stdout).toBe(`forgot what ${url} has named\n`);
    expect(await list()).toEqual(['two config']);
  });

  test('is not looked for where gam is switched off, or accepts no mirrors', async () => {
    await publish('one');
    await clone('-c', 'gam.acceptMirrorUrl=', '-c', 'gam.acceptMirrorUrl');
    await sandbox.git(['clone', '-q', `mirror::${url}`, `off-${number}`], { env: { GAM_DISABLE: '1' } });
    expect(kept()).toBeNull();
    expect(posts(canonical)).toBe(4);
  });
});

describe('git sees just what it sees without gam:', () => {
  test('no such ref in a clone, all of it in a mirror clone', async () => {
    await publish('one');
    const trace = sandbox.path(`packets-${number}`);
    await sandbox.git([...ACCEPT, 'clone', '-q', `mirror::${url}`, `traced-${number}`], {
      env: { GIT_TRACE_PACKET: trace },
    });
    const packets = readFileSync(trace, 'utf8').split('\n');
    expect(packets.filter((line) => line.includes('clone< ') && line.includes(' refs/heads/'))).not.toEqual(
      [],
    );
    expect(packets.filter((line) => line.includes('clone< ') && line.includes(REF))).toEqual([]);
    const { name } = await clone();
    const { stdout } = await sandbox.git(['for-each-ref', 'refs/meta', 'refs/remotes/origin/meta'], {
      cwd: name,
    });
    expect(stdout).toBe('');
    for (const source of [url, `mirror::${url}`])
      await sandbox.git([...ACCEPT, 'clone', '-q', '--mirror', source, `${number}-${source.length}`]);
    const refs = (folder: string) => sandbox.git(['for-each-ref'], { cwd: folder });
    const plain = (await refs(`${number}-${url.length}`)).stdout;
    expect((await refs(`${number}-${url.length + 'mirror::'.length}`)).stdout).toBe(plain);
    expect(plain).toContain(REF);
  });

  test.each([[[]], [['refs/meta/*']], [['--heads']], [['--symref']]])('git ls-remote %j', async (words) => {
    await publish('one');
    await sandbox.git(['update-ref', `${REF}-of-old`, 'main'], { cwd: 'served/project' });
    await sandbox.git(['init', '-q', `empty-${number}`]);
    for (const cwd of ['.', `empty-${number}`]) {
      const options = words.filter((word) => word.startsWith('--'));
      const patterns = words.filter((word) => !word.startsWith('--'));
      const list = (from: string) =>
        sandbox.git([...ACCEPT, 'ls-remote', ...options, from, ...patterns], { cwd });
      expect((await list(`mirror::${url}`)).stdout).toBe((await list(url)).stdout);
    }
    await sandbox.git(['update-ref', '-d', `${REF}-of-old`], { cwd: 'served/project' });
  });

  test('git fetch origin refs/meta/mirrors', async () => {
    await publish('one');
    const { name } = await clone();
    await sandbox.git([...ACCEPT, 'fetch', '-q', 'origin', REF], { cwd: name });
    const { stdout } = await sandbox.git(['show', 'FETCH_HEAD:mirrors'], { cwd: name });
    expect(stdout).toContain(`${mirrors.url}/one`);
  });
});

test('a server on which nothing is published is not looked at again for a day, nor one with a list of no use', async () => {
  await clone();
  expect(mayHaveList(url, sandbox.env)).toBe(false);
  await publish('one');
  expect(mayHaveList(url, sandbox.env)).toBe(true);
  await sandbox.git(['update-ref', '-d', REF], { cwd: 'served/project' });
  rmSync(sandbox.path('home/.local/state'), { recursive: true });
  await publish('one');
  await sandbox.git(['clone', '-q', `mirror::${url}`, `refused-${number}`]);
  expect(kept()?.mirrors).toHaveLength(1);
  expect(mayHaveList(url, sandbox.env)).toBe(false);
  rmSync(sandbox.path('home/.local/state'), { recursive: true });
  await clone();
  expect(mayHaveList(url, sandbox.env)).toBe(true);
});

/** Makes a commit of these entries of a tree, as `git mktree` reads them. */
async function commitOf(tree: string): Promise<string> {
  const cwd = 'served/project';
  const made = await sandbox.git(['mktree', '--missing'], { cwd, input: tree });
  return (await sandbox.git(['commit-tree', '-m', 'x', made.stdout.trim()], { cwd })).stdout.trim();
}

async function blobOf(content: string | Buffer): Promise<string> {
  const made = await sandbox.git(['hash-object', '-w', '--stdin'], { cwd: 'served/project', input: content });
  return made.stdout.trim();
}

const fileOf = async (content: string | Buffer) =>
  commitOf(`100644 blob ${await blobOf(content)}\tmirrors\n`);
const GOOD = '[mirror]\nversion = 1\n[mirror "a"]\nurl = https://m.invalid/x\n';

const HOSTILE: [string, () => Promise<string>][] = [
  ['a blob', () => blobOf(GOOD)],
  [
    'a tree',
    async () => {
      const input = `100644 blob ${await blobOf(GOOD)}\tmirrors\n`;
      return (await sandbox.git(['mktree'], { cwd: 'served/project', input })).stdout.trim();
    },
  ],
  ['a commit without the file', async () => commitOf(`100644 blob ${await blobOf(GOOD)}\tmirror\n`)],
  ['a commit of nothing', () => commitOf('')],
  ['a symbolic link', async () => commitOf(`120000 blob ${await blobOf(GOOD)}\tmirrors\n`)],
  [
    'a folder',
    async () => {
      const commit = await fileOf(GOOD);
      const tree = await sandbox.git(['rev-parse', `${commit}^{tree}`], { cwd: 'served/project' });
      return commitOf(`040000 tree ${tree.stdout.trim()}\tmirrors\n`);
    },
  ],
  ['a submodule', () => commitOf(`160000 commit ${'1'.repeat(40)}\tmirrors\n`)],
  ['100 MB of nothing', () => fileOf(Buffer.alloc(100_000_000, 0x0a))],
  [
    'more than is sane beside it',
    async () => {
      const random = seededRandom(7);
      const noise = Buffer.from(Array.from({ length: 1_500_000 }, () => below(random, 256)));
      return commitOf(
        `100644 blob ${await blobOf(GOOD)}\tmirrors\n100644 blob ${await blobOf(noise)}\tnoise\n`,
      );
    },
  ],
  [
    'a million entries',
    () => {
      const entry = (_: unknown, index: number) =>
        `[mirror "m${index}"]\nurl = https://m${index}.invalid/x\n`;
      return fileOf(`[mirror]\nversion = 1\n${Array.from({ length: 1_000_000 }, entry).join('')}`);
    },
  ],
  ['bad syntax', () => fileOf('[mirror\nversion = 1\n')],
  ['a list in a file that it includes', () => fileOf(`[include]\n\tpath = ${sandbox.path('included')}\n`)],
  ['bytes that are no text', () => fileOf(Buffer.from([0x5b, 0xff, 0xfe, 0x00, 0x5d, 0x0a]))],
  ['another version', () => fileOf('[mirror]\nversion = 2\n')],
  ['escapes for a terminal', () => fileOf(`[mirror]\nversion = \u001b[31mx\u0007\n`)],
  ['two URLs of one id', () => fileOf(`${GOOD}url = https://n.invalid/x\n`)],
  ['an empty file', () => fileOf('')],
];

describe('does no harm:', () => {
  beforeEach(() => writeFileSync(sandbox.path('included'), GOOD));

  test.each(HOSTILE)('%s', async (_, make) => {
    await sandbox.git(['update-ref', REF, await make()], { cwd: 'served/project' });
    const { name, stderr } = await clone('-c', 'gam.acceptMirrorUrl=https://*');
    expect(stderr).toBe(`Cloning into '${name}'...\n`);
    expect(kept()?.mirrors).toEqual([]);
    // It is known now, and not read again.
    canonical.requests.length = 0;
    rmSync(sandbox.path('home/.local/state/gam/unlisted'), { recursive: true, force: true });
    await ahead();
    await fetch(name);
    expect(posts(canonical)).toBe(2);
  });

  test('URLs that no list may name are kept to be shown, and nobody is contacted', async () => {
    const urls = ['/etc', 'file:///etc', 'ext::sh -c touch% x', 'https://me:pw@h.example/x', '-ux'];
    const sections = urls.map((at, index) => `[mirror "m${index}"]\nurl = "${at}"\n`).join('');
    const commit = await fileOf(`[mirror]\nversion = 1\n${sections}`);
    await sandbox.git(['update-ref', REF, commit], { cwd: 'served/project' });
    const { name } = await clone('-c', 'gam.acceptMirrorUrl=*');
    const { stdout } = await sandbox.run('gam', ['mirrors', 'list', '--json'], { cwd: name });
    const listed = JSON.parse(stdout) as { state: string }[];
    expect(listed.length).toBeGreaterThan(0);
    expect(new Set(listed.map(({ state }) => state))).toEqual(new Set(['refused']));
    expect(stdout).not.toContain('me:pw');
  });
});

const RESULT = { 'Content-Type': 'application/x-git-upload-pack-result' };

type AnswerQuestion = (response: ServerResponse) => void;

const ANSWERS: [string, AnswerQuestion][] = [
  ['silence', () => undefined],
  ['500', (response) => void response.writeHead(500).end('no')],
  ['401', (response) => void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()],
  ['a hang-up', (response) => void response.destroy()],
  ['an ERR packet', (response) => void response.writeHead(200, RESULT).end(linePacket('ERR no').raw)],
  ['nothing', (response) => void response.writeHead(200, RESULT).end()],
  ['an HTML page', (response) => void response.writeHead(200, RESULT).end('<html></html>')],
];

const BROKEN: [string, AnswerQuestion][] = [
  [
    'no pack',
    (response) =>
      void response.writeHead(200, RESULT).end(Buffer.concat([linePacket('packfile').raw, FLUSH.raw])),
  ],
  [
    'a pack without end',
    (response) => {
      response.writeHead(200, RESULT).write(linePacket('packfile').raw);
      const piece = linePacket(`\u0001${'x'.repeat(60_000)}`).raw;
      const more = () => {
        while (!response.destroyed) if (!response.write(piece)) return void response.once('drain', more);
      };
      more();
    },
  ],
];

/** Answers the question for the list in the server's place; everything else stays git's. */
function answerQuestion(answer: AnswerQuestion): { asked: number } {
  const seen = { asked: 0 };
  const git = canonical.answer;
  canonical.answer = (request, response) => {
    if (request.method !== 'POST' || canonical.requests.filter(({ method }) => method === 'POST').length < 3)
      return git?.(request, response) ?? false;
    seen.asked += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const body = Buffer.concat(chunks);
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
      expect(text).toContain('deepen 1');
      answer(response);
    });
    return true;
  };
  return seen;
}

describe('a server that answers the question for it with', () => {
  test.each(ANSWERS)('%s is asked again later, and the clone is whole', async (_, answer) => {
    await publish('one');
    const seen = answerQuestion(answer);
    const { name, stderr } = await clone(...LATE);
    expect(stderr).not.toContain('gam:');
    expect(seen.asked).toBeGreaterThan(0);
    expect(kept()).toMatchObject({ commit: null, mirrors: [] });
    expect(mayHaveList(url, sandbox.env)).toBe(true);
    canonical.answer = null;
    canonical.requests.length = 0;
    await ahead();
    await fetch(name);
    expect(posts(canonical)).toBe(2);
    await expire();
    await addCommits(sandbox, 'served/project', 5, { seed: 900 + number });
    await fetch(name);
    expect(named()).toEqual([`${mirrors.url}/one`]);
  });

  test.each(BROKEN)('%s has none', async (_, answer) => {
    await publish('one');
    answerQuestion(answer);
    const { stderr } = await clone();
    expect(stderr).not.toContain('gam:');
    expect(kept()?.mirrors).toEqual([]);
    expect(kept()?.commit).not.toBeNull();
  });
});

test('over ssh and git://, it is read over the same line', async () => {
  await publish('one');
  const ssh = fakeSsh(sandbox);
  const daemon = await startGitDaemon({ root: sandbox.path('served'), env: sandbox.serverEnv });
  try {
    for (const [from, env] of [
      [`ssh://localhost${sandbox.path('served/project')}`, ssh.env],
      [`${daemon.url}/project`, {}],
    ] as const) {
      const args = (to: string) => [...ACCEPT, 'clone', `mirror::${from}`, to];
      const name = `${from.slice(0, 3)}-${number}`;
      expect((await sandbox.git(args(name), { env })).stderr).not.toContain('gam:');
      expect(kept(from)?.mirrors.map((mirror) => mirror.url)).toEqual([`${mirrors.url}/one`]);
      expect((await sandbox.git(args(`${name}-2`), { env })).stderr).toContain(
        'gam: fetching from 127.0.0.1',
      );
      await expectClean(sandbox, `${name}-2`);
    }
    expect(daemon.connections).toBe(2);
    expect(ssh.calls().filter((call) => !call.startsWith('-G'))).toHaveLength(2);
  } finally {
    await daemon.close();
  }
});
