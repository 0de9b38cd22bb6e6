import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type GamServe, gamServe } from '../helpers/gam-serve.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { lineListing } from '../helpers/list-server.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// A mirror that is named by its host only: it is asked where it has canonical, and a colleague's clone will do.

let sandbox: Sandbox;
let canonical: HttpServer;
let anna: GamServe;
/** A host that answers the question as it likes. */
let host: HttpServer;
/** What it was asked for. */
let asked: string[];
let reply: (response: ServerResponse) => void;

const RESULT = { 'Content-Type': 'application/x-git-upload-pack-result' };
const ADVERTISEMENT = { 'Content-Type': 'application/x-git-upload-pack-advertisement' };
const GREETING = Buffer.concat(
  [linePacket('version 2'), linePacket('mirror-list'), FLUSH].map(({ raw }) => raw),
);

/** Answers that this is at these places. */
const saying =
  (...urls: readonly string[]) =>
  (response: ServerResponse) => {
    const named = urls.map((url, n) => `mirror.m${n}.url=${url}`);
    response.writeHead(200, RESULT);
    response.end(lineListing(`mirror.canonical=${canonical.url}/project.git`, ...named));
  };

beforeAll(async () => {
  sandbox = makeSandbox();
  // A machine that is busy is no reason to leave a mirror.
  appendFileSync(sandbox.path('home/.gitconfig'), '[gam]\n\tconnectTimeout = 60s\n\tlowSpeedTime = 60s\n');
  mkdirSync(sandbox.path('annas-tmp'));
  await generateHistory(sandbox, 'served/project.git', {
    commits: 200,
    tags: 4,
    branches: 3,
    blobSize: 2000,
  });
  await cloneBare(sandbox, 'served/project.git', 'served/other.git');
  await cloneBare(sandbox, 'served/project.git', 'hosted/project.git');
  canonical = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
  host = await startHttpServer({ root: sandbox.path('hosted'), env: sandbox.serverEnv });
  host.answer = (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://h');
    if (pathname === '/info/refs') response.writeHead(200, ADVERTISEMENT).end(GREETING);
    else if (pathname === '/git-upload-pack') {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        asked.push(/url=(\S*)/.exec(Buffer.concat(chunks).toString())?.[1] ?? '');
        reply(response);
      });
    } else return false;
    return true;
  };
  await sandbox.git(['clone', '-q', `${canonical.url}/project.git`, 'annas/work/project']);
  await sandbox.git(['switch', '-q', '-c', 'annas-own'], { cwd: 'annas/work/project' });
  await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'not for others'], { cwd: 'annas/work/project' });
  anna = await gamServe(sandbox, 'annas', [], {
    env: { ...sandbox.serverEnv, TMPDIR: sandbox.path('annas-tmp') },
  });
});

afterAll(async () => {
  await anna.stop();
  await host.close();
  await canonical.close();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

beforeEach(() => {
  // What is remembered of a mirror is told by the tests that look at it.
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
  asked = [];
  host.requests.length = 0;
  reply = saying();
});

async function clone(name: string, mirror: string, args: string[] = [], of = 'project.git'): Promise<string> {
  const config = ['-c', `remote.origin.mirrorUrl=${mirror}`, ...args];
  const { stderr } = await sandbox.git(['clone', ...config, `mirror::${canonical.url}/${of}`, name]);
  return stderr;
}

async function expectCloned(name: string, of = 'project.git'): Promise<void> {
  await expectClean(sandbox, name);
  await expectSameRefs(sandbox, name, `served/${of}`, asFetched);
}

async function mirrorsOf(name: string, command: 'list' | 'check') {
  const { stdout } = await sandbox.run('gam', ['mirrors', command, '--json'], {
    cwd: name,
    expectStatus: null,
  });
  return JSON.parse(stdout) as { url: string; site: string; state: string; reason: string | null }[];
}

/** Requests to the root of a host: questions where it has something. */
const questions = (server: HttpServer) =>
  server.requests.filter(({ path }) => path === '/git-upload-pack').length;

describe("a colleague's clone", () => {
  test('brings the bulk of a clone, and canonical what it lacks', async () => {
    await addCommits(sandbox, 'served/project.git', 3, { seed: 3 });
    const seen = await clone('first', `${anna.url}/`);
    expect(seen).toMatch(
      new RegExp(`^gam: .* from 127\\.0\\.0\\.1:${anna.port}, .* from canonical \\(9\\d % saved\\)$`, 'm'),
    );
    await expectCloned('first');
    const { stdout } = await sandbox.git(['log', '--all', '--format=%s'], { cwd: 'first' });
    expect(stdout).not.toContain('not for others');
    expect(await mirrorsOf('first', 'list')).toMatchObject([
      { url: `${anna.url}/`, site: `127.0.0.1+${anna.port}`, state: 'ready' },
    ]);
  });

  test('serves fetches of new commits, once it has them', async () => {
    await addCommits(sandbox, 'served/project.git', 40, { seed: 4 });
    await sandbox.git(['fetch', '-q'], { cwd: 'annas/work/project' });
    const { stderr } = await sandbox.git(['fetch'], { cwd: 'first' });
    expect(stderr).toContain(` from 127.0.0.1:${anna.port}, `);
    await expectCloned('first');
  });

  test('serves a shallow clone and a partial one', async () => {
    const shallow = await clone('shallow', anna.url, ['--depth=1']);
    expect(shallow).toContain(` from 127.0.0.1:${anna.port}, `);
    const partial = await clone('partial', anna.url, ['--filter=blob:none', '--no-checkout']);
    await sandbox.git(['fsck', '--no-progress'], { cwd: 'shallow' });
    // Anna's git does not allow filters, and a mirror without them makes no full clone of a partial one.
    expect(partial).not.toContain('error');
  });

  test('is found again where it was moved to', async () => {
    renameSync(sandbox.path('annas/work/project'), sandbox.path('annas/elsewhere'));
    await addCommits(sandbox, 'served/project.git', 10, { seed: 5 });
    await sandbox.git(['fetch', '-q'], { cwd: 'annas/elsewhere' });
    // What stands below its root the server looks for anew after five seconds.
    await expect
      .poll(async () => (await mirrorsOf('first', 'check'))[0]?.state, { timeout: 30_000, interval: 500 })
      .toBe('ready');
    const { stderr } = await sandbox.git(['fetch'], { cwd: 'first' });
    expect(stderr).toContain(` from 127.0.0.1:${anna.port}, `);
    await expectCloned('first');
  });

  test('of something else is passed over in one line', async () => {
    const seen = await clone('uncarried', anna.url, [], 'other.git');
    expect(seen.match(/^gam: .*$/gm)).toEqual([
      `gam: passing over 127.0.0.1:${anna.port}: does not carry ${canonical.url}/other.git`,
    ]);
    await expectCloned('uncarried', 'other.git');
    expect(await mirrorsOf('uncarried', 'list')).toMatchObject([
      {
        state: 'backing-off',
        reason: expect.stringMatching(/^does not carry this repository; asked again after 20/),
      },
    ]);
    expect(await mirrorsOf('uncarried', 'check')).toMatchObject([
      { state: 'failed', reason: `does not carry ${canonical.url}/other.git` },
    ]);
  });
});

describe('a host', () => {
  test('is asked once where it has canonical, without a login, and used there from then on', async () => {
    reply = saying(`${host.url}/project.git`);
    const secret = [
      '-c',
      'http.extraHeader=X-Secret: 1',
      '-c',
      `http.${canonical.url}/.extraHeader=X-Own: 1`,
    ];
    const seen = await clone('asked', `${host.url}/`, secret);
    expect(seen).toContain(` from 127.0.0.1:${host.port}, `);
    await expectCloned('asked');
    expect(asked).toEqual([`${canonical.url}/project.git`]);
    await addCommits(sandbox, 'served/project.git', 5, { seed: 6 });
    await sandbox.git(['fetch', '-q', sandbox.path('served/project.git'), '+refs/*:refs/*'], {
      cwd: 'hosted/project.git',
    });
    await sandbox.git(['fetch'], { cwd: 'asked' });
    expect(questions(host)).toBe(1);
    expect(host.requests.some(({ headers }) => 'x-secret' in headers || 'x-own' in headers)).toBe(false);
    await expectCloned('asked');

    const audit = await sandbox.run('gam', ['audit', '--json'], { cwd: 'asked' });
    expect((JSON.parse(audit.stdout) as { hosts: { askedFor: string }[] }).hosts).toMatchObject([
      { role: 'canonical', askedFor: null },
      { role: 'mirror', askedFor: `${canonical.url}/project.git` },
    ]);

    // Where it is no more, it is asked for at once.
    renameSync(sandbox.path('hosted/project.git'), sandbox.path('hosted/moved.git'));
    reply = saying(`${host.url}/moved.git`);
    await addCommits(sandbox, 'served/project.git', 5, { seed: 16 });
    await sandbox.git(['fetch', '-q', sandbox.path('served/project.git'), '+refs/*:refs/*'], {
      cwd: 'hosted/moved.git',
    });
    expect((await sandbox.git(['fetch'], { cwd: 'asked' })).stderr).toContain(
      ` from 127.0.0.1:${host.port}, `,
    );
    expect(questions(host)).toBe(2);
    await expectCloned('asked');
    renameSync(sandbox.path('hosted/moved.git'), sandbox.path('hosted/project.git'));
  });

  test('that lacks it is asked again by a check, and not by the next fetch', async () => {
    reply = (response) =>
      response.writeHead(200, RESULT).end(lineListing('mirror.canonical=https://a.example/'));
    expect(await clone('lacking', host.url)).toContain(': does not carry ');
    await addCommits(sandbox, 'served/project.git', 2, { seed: 7 });
    const { stderr } = await sandbox.git(['fetch'], { cwd: 'lacking' });
    expect(stderr).toContain(': does not carry ');
    expect(questions(host)).toBe(1);
    reply = saying(`${host.url}/project.git`);
    expect(await mirrorsOf('lacking', 'check')).toMatchObject([{ state: 'ready', reason: null }]);
    expect(questions(host)).toBe(2);
  });

  test('with a repository at its root is that mirror', async () => {
    const plain = await startHttpServer({ root: sandbox.path('hosted/project.git'), env: sandbox.serverEnv });
    try {
      expect(await clone('at-root', `${plain.url}/`)).toContain(` from 127.0.0.1:${plain.port}, `);
      await expectCloned('at-root');
    } finally {
      await plain.close();
    }
  });

  test('leads to no other server', async () => {
    const elsewhere = await startHttpServer({ root: sandbox.path('hosted'), env: sandbox.serverEnv });
    try {
      const other = new URL(elsewhere.url);
      reply = saying(
        `${elsewhere.url}/project.git`,
        `http://127.0.0.1:${host.port}@${other.host}/project.git`,
      );
      const seen = await clone('led', host.url);
      expect(seen.match(/^gam: .*$/gm)).toEqual([
        `gam: passing over 127.0.0.1:${host.port}: names a place that is not its own`,
      ]);
      expect(elsewhere.requests).toEqual([]);
      await expectCloned('led');
    } finally {
      await elsewhere.close();
    }
  });

  const endless = (response: ServerResponse) => {
    response.writeHead(200, RESULT);
    const line = linePacket(`mirror.canonical=https://${'x'.repeat(2000)}.example/`).raw;
    const more = () => {
      while (response.writable && !response.destroyed && response.write(line));
    };
    response.on('drain', more);
    more();
  };

  test.each<[string, (response: ServerResponse) => void]>([
    ['a page', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>no</html>')],
    ['nothing', (response) => response.writeHead(200, RESULT).end()],
    ['an error', (response) => response.writeHead(200, RESULT).end(linePacket('ERR \u001b[31mno').raw)],
    ['a status', (response) => response.writeHead(500).end()],
    ['a login', (response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end()],
    ['a redirect', (response) => response.writeHead(302, { Location: canonical.url }).end()],
    ['half a list', (response) => response.writeHead(200, RESULT).end(linePacket('mirror.version=1').raw)],
    [
      'another version',
      (response) => response.writeHead(200, RESULT).end(linePacket('mirror.version=2').raw),
    ],
    ['no packets', (response) => response.writeHead(200, RESULT).end('zzzz')],
    ['a list without end', endless],
    ['a place that is not there', (response) => saying(`${host.url}/nothing.git`)(response)],
    ['itself', (response) => saying(`${host.url}/`)(response)],
  ])('that answers with %s costs one line', async (name, answer) => {
    reply = answer;
    const folder = `hostile-${name.replaceAll(' ', '-')}`;
    const seen = await clone(folder, host.url);
    expect(seen.match(/^gam: .*$/gm)).toEqual([
      expect.stringMatching(new RegExp(`^gam: passing over 127\\.0\\.0\\.1:${host.port}: [ -~]+$`)),
    ]);
    await expectCloned(folder);
  });

  test('that is silent costs its time, and no more', async () => {
    reply = () => undefined;
    const seen = await clone('silent', host.url, ['-c', 'gam.connectTimeout=400ms']);
    expect(seen).toContain(`gam: passing over 127.0.0.1:${host.port}: no answer within 0.4 s`);
    await expectCloned('silent');
  });
});
