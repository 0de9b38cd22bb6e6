import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { processesEnded } from '../../../src/git/process.ts';
import { gitVersion, isAtLeast } from '../../../src/git/version.ts';
import { PATIENCE, type Patience } from '../../../src/server/patience.ts';
import { serve } from '../../../src/server/serve.ts';
import { type Bystander, untilNothing } from '../../helpers/bystanders.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { makeLarge } from '../../helpers/large-repository.ts';
import { openLine } from '../../helpers/line.ts';
import { ask, begin, fetchRequest } from '../../helpers/raw-request.ts';
import { generateHistory, initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// Bodies stream, in both directions, and whatever ends one side ends the other.

const LARGE = 24;
const MIB = 2 ** 20;
const isLinux = process.platform === 'linux';

let sandbox: Sandbox;
let served: GamServe;
let tip: string;
let large: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/small.git', { commits: 50 });
  tip = (await sandbox.git(['rev-parse', 'main'], { cwd: 'served/small.git' })).stdout.trim();
  large = await makeLarge(sandbox, 'served/large.git', LARGE);
  served = await gamServe(sandbox, 'served');
});

afterEach(async () => {
  // The next request finds a server that is well, and no git of an earlier one.
  expect(await untilNothing(gits)).toEqual([]);
  expect((await ask({ url: served.url, path: '/-/health' })).status).toBe(200);
});

afterAll(async () => {
  expect(await served.stop()).toMatchObject({ status: 0 });
  await expectNoChildren(sandbox);
  await sandbox.close();
});

const gits = (): Bystander[] =>
  sandbox.living().filter(({ command }) => /git/.test(command) && !/serve/.test(command));
const rss = (pid: number) =>
  1024 * Number(/^VmRSS:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Asks for the large pack, and has its beginning. */
async function beginLarge(url = served.url): Promise<{ message: IncomingMessage; leave: () => void }> {
  const { body, ...request } = fetchRequest('/large.git', large);
  const { sent, answer } = begin({ url, ...request });
  sent.end(body);
  const message = await answer;
  await once(message, 'readable');
  return { message, leave: () => sent.destroy() };
}

/** Reads so many bytes of an answer, and leaves the rest. */
async function takeFrom(message: IncomingMessage, bytes: number): Promise<void> {
  for (let taken = 0; taken < bytes; ) {
    const chunk = message.read() as Buffer | null;
    if (chunk === null) await once(message, 'readable');
    else taken += chunk.length;
  }
}

/** The process of git's that is called so; it may be about to start. */
async function pidOf(name: string): Promise<number> {
  const found = () => gits().find(({ command }) => command.includes(name));
  expect(await untilNothing(() => (found() ? [] : [`no ${name}`]))).toEqual([]);
  return found()?.pid ?? 0;
}

// What the processes have written so far; it stands still when they wait for a reader.
function written(): string {
  return gits()
    .map(({ pid }) => {
      try {
        return `${pid} ${/^wchar: ([0-9]+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]}`;
      } catch {
        return '';
      }
    })
    .join();
}

async function untilStill(): Promise<void> {
  for (let times = 0, last = ''; times < 10; ) {
    const now = written();
    times = now === last ? times + 1 : 0;
    last = now;
    await pause(30);
  }
}

test.runIf(isLinux)('a client that does not read has git wait, and costs the server no memory', async () => {
  const before = rss(served.pid);
  const readers = await Promise.all([beginLarge(), beginLarge(), beginLarge(), beginLarge()]);
  await untilStill();
  expect(gits().filter(({ command }) => command.includes('upload-pack'))).not.toEqual([]);
  expect(gits().filter(({ command }) => command.includes('http-backend'))).toHaveLength(4);
  expect(rss(served.pid) - before).toBeLessThan(40 * MIB);
  for (const { message } of readers) {
    let bytes = 0;
    for await (const chunk of message) bytes += (chunk as Buffer).length;
    expect(bytes).toBeGreaterThan(LARGE * MIB);
    expect(message.complete).toBe(true);
  }
});

test('a client that leaves ends git at once, and all that git has started', async () => {
  const hook = sandbox.path('hook');
  writeFileSync(hook, '#!/bin/sh\nsleep 600\n', { mode: 0o755 });
  // Only the administrator may set it (git-config(1), uploadpack.packObjectsHook).
  const config = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'uploadpack.packObjectsHook',
    GIT_CONFIG_VALUE_0: hook,
  };
  if (!isAtLeast(await gitVersion({ env: sandbox.env, cwd: sandbox.root }), '2.31'))
    await sandbox.git(['config', '--global', config.GIT_CONFIG_KEY_0, hook]);
  const server = await gamServe(sandbox, 'served', [], { env: config });
  const { body, ...request } = fetchRequest('/large.git', large);
  const { sent } = begin({ url: server.url, ...request });
  sent.end(body);
  const sleeping = () => sandbox.living().filter(({ command }) => command === 'sleep 600');
  expect(await untilNothing(() => (sleeping().length > 0 ? [] : ['nobody sleeps']))).toEqual([]);
  sent.destroy();
  await server.logged(/"POST \/large\.git\/git-upload-pack HTTP\/1\.1" \d+ .*reason="the client left"/);
  expect(await untilNothing(() => [...gits(), ...sleeping()])).toEqual([]);
  await server.stop();
  await sandbox.git(['config', '--global', '--unset-all', config.GIT_CONFIG_KEY_0], { expectStatus: null });
});

test('what a hook has put into the background is left alone', async () => {
  const repository = 'served/background.git';
  await initBare(sandbox, repository);
  await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: repository });
  const [wait, done] = [sandbox.path('wait'), sandbox.path('deployed')];
  await sandbox.run('mkfifo', [wait]);
  await sandbox.run('mkdir', ['-p', sandbox.path(repository, 'hooks')]);
  const hook = `#!/bin/sh\n(cat ${wait}; touch ${done}) </dev/null >/dev/null 2>&1 &\n`;
  writeFileSync(sandbox.path(repository, 'hooks/post-receive'), hook, { mode: 0o755 });
  await sandbox.git(['push', '-q', `${served.url}/background.git`, 'main'], { cwd: 'served/small.git' });
  await served.logged(/"POST \/background\.git\/git-receive-pack HTTP\/1\.1" 200 /);
  const job = sandbox.start('sh', ['-c', `echo >${wait}`]);
  expect(await untilNothing(() => (existsSync(done) ? [] : [done]))).toEqual([]);
  await job.ended;
});

test.runIf(isLinux)(
  'a push that has come whole goes on without its client, and hooks run to their end',
  async () => {
    const repository = 'served/pushed.git';
    await initBare(sandbox, repository);
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: repository });
    const [running, go, done] = ['running', 'go', 'done'].map((name) => sandbox.path(name)) as [
      string,
      string,
      string,
    ];
    await sandbox.run('mkfifo', [go]);
    await sandbox.run('mkdir', ['-p', sandbox.path(repository, 'hooks')]);
    const hook = ['#!/bin/sh', `touch ${running}`, 'echo working >&2', `cat ${go} >&2`, `touch ${done}`].join(
      '\n',
    );
    writeFileSync(sandbox.path(repository, 'hooks/pre-receive'), hook, { mode: 0o755 });
    const push = sandbox.start('git', ['push', `${served.url}/pushed.git`, 'main'], {
      cwd: 'served/small.git',
    });
    const missing = (path: string) => () => (existsSync(path) ? [] : [path]);
    expect(await untilNothing(missing(running))).toEqual([]);
    push.kill('SIGKILL');
    await served.logged(/"POST \/pushed\.git\/git-receive-pack HTTP\/1\.1" 200 .*reason="the client left"/);
    // More than a pipe holds.
    writeFileSync(go, 'x\n'.repeat(200_000));
    expect(await untilNothing(missing(done))).toEqual([]);
    expect(await untilNothing(gits)).toEqual([]);
    const { stdout } = await sandbox.git(['rev-parse', 'main'], { cwd: repository });
    expect(stdout.trim()).toBe(tip);
  },
);

test.runIf(isLinux).each(['upload-pack', 'pack-objects', 'http-backend'])(
  'where %s is killed, the answer breaks off',
  async (name) => {
    const { message } = await beginLarge();
    // What broke: a pack-objects that is killed before it has been told what to pack takes upload-pack along, by SIGPIPE, which then
    // has no word for the client. Where a part of the pack has come, that is behind it.
    await takeFrom(message, MIB);
    process.kill(await pidOf(name), 'SIGKILL');
    // Whoever it would have waited for is not left waiting for a client that does not read.
    if (name === 'http-backend') expect(await untilNothing(gits)).toEqual([]);
    const read = async () => {
      for await (const _ of message);
    };
    if (name === 'pack-objects') {
      // upload-pack itself tells the client, in git's words.
      let text = '';
      for await (const chunk of message) text = (text + (chunk as Buffer).toString('latin1')).slice(-300);
      expect(text).toMatch(/\u0003[^\u0003]*aborting due to possible repository corruption/);
    } else {
      await expect(read()).rejects.toThrow(/aborted/);
      expect(message.complete).toBe(false);
    }
    await served.logged(/ service=upload-pack protocol=2 .*reason="(?:error|fatal|git)[: ]/);
  },
);

test.runIf(isLinux)('git sees that as a failure', async () => {
  // What broke: on a busy machine the clone was through before anybody could be killed. Here it would take a minute.
  const line = await openLine({ to: served.port, download: 3_000_000 });
  const clone = sandbox.start('git', ['clone', `http://127.0.0.1:${line.port}/large.git`, 'broken']);
  await line.reached(100_000);
  process.kill(await pidOf('upload-pack --stateless-rpc .'), 'SIGKILL');
  expect((await clone.ended).status).toBe(128);
  await line.close();
});

test('compressed requests are taken', async () => {
  const { body, ...request } = fetchRequest('/small.git', tip);
  const headers = { ...(request.headers as Record<string, string>), 'Content-Encoding': 'gzip' };
  const { body: said, status } = await ask({ url: served.url, ...request, headers, body: gzipSync(body) });
  expect(status).toBe(200);
  expect(said.toString('latin1')).toMatch(/^000dpackfile\n.*PACK.*0000$/s);
});

test('whoever waits for word to go on gets it where his body is wanted, and only there', async () => {
  const expecting = (path: string) => {
    const { body, ...request } = fetchRequest(path, tip);
    const headers = { ...(request.headers as Record<string, string>), Expect: '100-continue' };
    return { body, begun: begin({ url: served.url, ...request, headers }) };
  };
  const { body, begun } = expecting('/small.git');
  begun.sent.flushHeaders();
  await once(begun.sent, 'continue');
  begun.sent.end(body);
  expect((await begun.answer).resume().statusCode).toBe(200);
  const { begun: unwanted } = expecting('/absent.git');
  let wordCame = false;
  unwanted.sent.once('continue', () => {
    wordCame = true;
  });
  unwanted.sent.flushHeaders();
  expect((await unwanted.answer).resume().statusCode).toBe(404);
  expect(wordCame).toBe(false);
  unwanted.sent.destroy();
});

/** A server within this process, with less patience. */
async function impatient(patience: Partial<Patience>, maxChildren = 64) {
  const log: string[] = [];
  const server = await serve({
    root: sandbox.path('served'),
    listen: { host: '127.0.0.1', port: 0 },
    env: sandbox.env,
    maxChildren,
    log: (line) => void log.push(line),
    warn: () => undefined,
    patience: { ...PATIENCE, ...patience },
  });
  return { ...server, log };
}

test('a head that never comes, and a body that never comes', async () => {
  const server = await impatient({ head: 200, body: 200 });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('GET /-/health HTTP/1.1\r\nHost: x\r\n');
  const [said] = (await once(socket, 'data')) as [Buffer];
  expect(said.toString()).toContain('408');
  const { body, ...request } = fetchRequest('/small.git', tip);
  const headers = { ...(request.headers as Record<string, string>), 'Content-Length': String(body.length) };
  const { sent, answer } = begin({ url: server.url, ...request, headers });
  sent.write(body.slice(0, -10));
  await expect(answer).rejects.toThrow();
  expect(await untilNothing(gits)).toEqual([]);
  await server.stop();
  expect(server.log.join()).toContain('reason="the client went silent"');
});

test('a client that stops reading is hung up on in the end', async () => {
  const server = await impatient({ reader: 200 });
  const { message } = await beginLarge(server.url);
  expect(await untilNothing(gits)).toEqual([]);
  const read = async () => {
    for await (const _ of message);
  };
  await expect(read()).rejects.toThrow();
  await server.stop();
  expect(server.log.join()).toContain('reason="the client stopped reading"');
});

test('as many as may be are answered at a time; the others wait, and one that waits too long is told so', async () => {
  const server = await impatient({ turn: 1000 }, 1);
  const first = await beginLarge(server.url);
  const busy = await ask({ url: server.url, path: '/small.git/info/refs?service=git-upload-pack' });
  expect([busy.status, busy.headers['retry-after']]).toEqual([503, '10']);
  expect(busy.body.toString()).toContain('busy');
  first.leave();
  expect(await untilNothing(gits)).toEqual([]);
  const path = '/small.git/info/refs?service=git-upload-pack';
  const answers = await Promise.all([1, 2, 3].map(() => ask({ url: server.url, path })));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  await server.stop();
});

test('whoever is told that he may not go on sending has his answer, however much he still has to send', async () => {
  const { sent, answer } = begin({ url: served.url, path: '/absent.git/git-upload-pack', method: 'POST' });
  sent.write(Buffer.alloc(MIB));
  const message = (await answer).resume();
  expect(message.statusCode).toBe(404);
  sent.end(Buffer.alloc(4 * MIB));
  await once(message, 'end');
});

test('no timer is left when a server has stopped, also where somebody has his answer and goes on sending', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const server = await impatient({});
  const { sent, answer } = begin({ url: server.url, path: '/absent.git/git-upload-pack', method: 'POST' });
  sent.write('x');
  expect((await answer).resume().statusCode).toBe(404);
  await server.stop();
  sent.destroy();
  await once(sent, 'close');
  // One of an earlier test may have come to its end.
  expect(timers()).toBeLessThanOrEqual(before);
});

test('running requests end when a server stops, and are ended when they take too long', async () => {
  const server = await impatient({ stop: 300 });
  const { message } = await beginLarge(server.url);
  await server.stop();
  await processesEnded();
  // Of those that git had started, a large one takes some moments to be gone when it has its signal.
  expect(await untilNothing(gits)).toEqual([]);
  const read = async () => {
    for await (const _ of message);
  };
  await expect(read()).rejects.toThrow();
});
