import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { type HostileScene, IMPATIENT, setHostileScene } from '../../helpers/hostile-scene.ts';
import { greeting, scripted, startHostileServer } from '../../helpers/hostile-server.ts';
import type { HttpServer } from '../../helpers/http-server.ts';
import { openLine } from '../../helpers/line.ts';
import type { Fault } from '../../helpers/line-fault.ts';
import { Connections, closedPort, listen } from '../../helpers/listening.ts';
import { cloneBare } from '../../helpers/repository.ts';

// Group 12: the line. Whatever a mirror does with it, the fetch goes on after a time that the user has set.

/** Patience with a greeting, and little with what comes after it. */
const SLOW = { config: { 'gam.lowSpeedTime': '500ms' } };

const MIB = 1024 ** 2;

let scene: HostileScene;
let mirror: HttpServer;
let plain: string;

beforeAll(async () => {
  scene = await setHostileScene();
  await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/mirror.git');
  mirror = await scene.serve('mirrors');
  plain = `${mirror.url}/mirror.git`;
});

beforeEach(() => {
  mirror.answer = null;
  mirror.requests.length = 0;
});

afterAll(() => scene.close());

async function throughLine(fault: Fault): Promise<string> {
  const line = scene.add(await openLine({ to: mirror.port, fault }));
  return `http://127.0.0.1:${line.port}/mirror.git`;
}

/** A port where every connection is met by these bytes, and by silence after them. */
async function speaking(bytes: Buffer | null, then: 'silence' | 'end' = 'silence'): Promise<number> {
  const connections = new Connections();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.resume();
    if (bytes) socket.write(bytes);
    if (then === 'end') socket.end();
  });
  const port = await listen(server);
  scene.add({ close: () => connections.close(server) });
  return port;
}

test('nobody listens', async () => {
  const port = await closedPort();
  for (const scheme of ['http', 'https', 'git'])
    await scene.expectPassedOver(
      await scene.clone(`${scheme}://127.0.0.1:${port}/mirror.git`),
      /^127\.0\.0\.1:[0-9]+: .*connect/,
    );
});

test('no such host', async () => {
  const outcome = await scene.clone('http://nowhere.invalid/mirror.git');
  await scene.expectPassedOver(outcome, /^nowhere\.invalid: /);
});

test.each(['http', 'https', 'git'])('%s: accepts, and is silent', async (scheme) => {
  const port = await speaking(null);
  const outcome = await scene.clone(`${scheme}://127.0.0.1:${port}/mirror.git`, { config: IMPATIENT });
  await scene.expectPassedOver(outcome, /^127\.0\.0\.1:[0-9]+: no answer within 0\.5 s$/);
});

test('ssh: accepts, and is silent; the program is ended', async () => {
  const env = { GIT_SSH_COMMAND: 'exec sleep 1000 #', GIT_SSH_VARIANT: 'ssh' };
  const outcome = await scene.clone('ssh://host/mirror.git', { config: IMPATIENT, env });
  await scene.expectPassedOver(outcome, /^host: no answer within 0\.5 s$/);
});

test('ssh: even the question which program it is hangs', async () => {
  const env = { GIT_SSH_COMMAND: 'exec sleep 1000 #' };
  const outcome = await scene.clone('ssh://host/mirror.git', { config: IMPATIENT, env });
  await scene.expectPassedOver(outcome, /^host: no answer within 0\.5 s$/);
});

test('ssh: a program that does not let itself be ended', async () => {
  const env = { GIT_SSH_COMMAND: "trap '' TERM; exec sleep 1000 #", GIT_SSH_VARIANT: 'ssh' };
  const outcome = await scene.clone('ssh://host/mirror.git', { config: IMPATIENT, env });
  await scene.expectPassedOver(outcome, /^host: no answer within 0\.5 s$/);
});

test('one byte every now and then', async () => {
  const outcome = await scene.clone(await throughLine({ kind: 'drip', every: 100 }), { config: IMPATIENT });
  await scene.expectPassedOver(outcome, /: no answer within 0\.5 s$/);
  // The same once it has greeted: too slow for the list of refs.
  let line: Buffer = Buffer.alloc(0);
  const { url } = scene.add(
    await startHostileServer(
      scripted([], Buffer.alloc(0), {
        async lsRefs(_request, out) {
          line = linePacket(`${'1'.repeat(40)} refs/heads/main`).raw;
          for (let at = 0; !out.closed; at = (at + 1) % line.length) {
            await out.send(line.subarray(at, at + 1));
            await new Promise((resolve) => {
              setTimeout(resolve, 50);
            });
          }
        },
      }),
    ),
  );
  await scene.expectPassedOver(await scene.clone(url, SLOW), /: slower than 4096 bytes a second for 0\.5 s$/);
});

test('fast enough, but without end: the list of refs has a last moment, too', async () => {
  const { url } = scene.add(
    await startHostileServer(
      scripted([], Buffer.alloc(0), {
        async lsRefs(_request, out) {
          const some = Buffer.concat(
            Array.from({ length: 20 }, () => linePacket(`${'1'.repeat(40)} refs/heads/main`).raw),
          );
          while (!out.closed) {
            await out.send(some);
            await new Promise((resolve) => {
              setTimeout(resolve, 20);
            });
          }
        },
      }),
    ),
  );
  await scene.expectPassedOver(await scene.clone(url, SLOW), /: no list of refs within 3 s$/);
});

test('silence, reset and end at every stage of a transfer', async () => {
  // What the whole transfer weighs: faults are placed by that.
  const measure = scene.add(await openLine({ to: mirror.port }));
  await scene.expectPassedOver(await scene.clone(`http://127.0.0.1:${measure.port}/mirror.git`));
  const total = measure.bytesDown;
  const reasons: Record<string, RegExp> = {
    stall: /: (?:no (?:answer|pack) within|slower than)/,
    reset: /: .*(?:reset|hung up|refused|failed|closed|disconnect|Failure|unable)/i,
    cut: /: .*(?:hung up|refused|failed|closed|disconnect|outstanding|unable)/i,
  };
  for (const kind of ['stall', 'reset', 'cut'] as const) {
    for (const share of [0.02, 0.5, 0.99]) {
      const fault: Fault = { kind, after: Math.round(total * share) };
      const config = { 'gam.connectTimeout': '2s', 'gam.lowSpeedTime': '300ms' };
      const outcome = await scene.clone(await throughLine(fault), { config });
      await scene.expectPassedOver(outcome, reasons[kind] as RegExp);
    }
  }
});

test('a byte is turned on the line', async () => {
  const measure = scene.add(await openLine({ to: mirror.port }));
  await scene.clone(`http://127.0.0.1:${measure.port}/mirror.git`);
  const url = await throughLine({ kind: 'corrupt', at: measure.bytesDown - 4000 });
  await scene.expectPassedOver(await scene.clone(url), /: .+/);
});

test('no TLS where TLS is asked for, and TLS that nobody vouches for', async () => {
  const outcome = await scene.clone(plain.replace('http:', 'https:'));
  await scene.expectPassedOver(outcome, /^127\.0\.0\.1:[0-9]+: unable to access /);
});

test.each<[string, number, Record<string, string>, string | Buffer, RegExp]>([
  [
    '200 with a page',
    200,
    { 'Content-Type': 'text/html' },
    '<!doctype html><p>Hello',
    /: does not speak protocol v2$/,
  ],
  [
    '200 with a page that says it is git',
    200,
    { 'Content-Type': 'application/x-git-upload-pack-advertisement' },
    '<!doctype html><p>Hello',
    /: .+/,
  ],
  ['200 with nothing', 200, { 'Content-Type': 'application/x-git-upload-pack-advertisement' }, '', /: .+/],
  ['401 for ever', 401, { 'WWW-Authenticate': 'Basic realm="x"' }, '', /: could not read Username/],
  ['401 by a scheme nobody knows', 401, { 'WWW-Authenticate': 'Magic' }, '', /: .+/],
  ['403', 403, {}, '', /: .*403/],
  ['404', 404, {}, '', /: .*not found/],
  ['407', 407, { 'Proxy-Authenticate': 'Basic realm="x"' }, '', /: .+/],
  ['429', 429, { 'Retry-After': '86400' }, '', /: .*429/],
  ['500', 500, {}, 'fatal: \u001b[31mno', /: .*500/],
  ['503', 503, {}, '', /: .*503/],
  ['204', 204, {}, '', /: .+/],
])('http: %s', async (_what, status, headers, body, line) => {
  for (const method of ['GET', 'POST']) {
    mirror.answer = (request, response) => {
      if (request.method !== method) return false;
      request.resume();
      response.writeHead(status, headers).end(body);
      return true;
    };
    const outcome = await scene.clone(plain);
    await scene.expectPassedOver(outcome, method === 'GET' ? line : /: .+/);
    expect(outcome.passedOver[0]).not.toContain('\u001b');
    expect(mirror.requests.length).toBeLessThan(6);
    mirror.requests.length = 0;
  }
});

test('a gzip bomb, as greeting and as list of refs', async () => {
  // 600 MiB of comment lines of a protocol, in half a megabyte: made of members that are repeated.
  const member = gzipSync(Buffer.from(linePacket('x'.repeat(60_000)).raw.toString().repeat(100)));
  for (const method of ['GET', 'POST']) {
    mirror.answer = (request, response) => {
      if (request.method !== method) return false;
      request.resume();
      const kind = method === 'GET' ? 'advertisement' : 'result';
      response.writeHead(200, {
        'Content-Type': `application/x-git-upload-pack-${kind}`,
        'Content-Encoding': 'gzip',
      });
      if (method === 'GET') response.write(gzipSync('001e# service=git-upload-pack\n0000000eversion 2\n'));
      response.end(Buffer.concat(Array.from({ length: 100 }, () => member)));
      return true;
    };
    await scene.expectPassedOver(await scene.clone(plain), /: .+/);
  }
  expect(mirror.bytesOut).toBeLessThan(100 * MIB);
});

test('a gzip bomb of one member', async () => {
  const bomb = gzipSync(Buffer.alloc(560 * MIB, '0'), { level: 1 });
  mirror.answer = (request, response) => {
    request.resume();
    response.writeHead(200, {
      'Content-Type': 'application/x-git-upload-pack-advertisement',
      'Content-Encoding': 'gzip',
    });
    response.end(bomb);
    return true;
  };
  await scene.expectPassedOver(await scene.clone(plain), /: .+/);
});

test.each<[string, Buffer, RegExp]>([
  ['garbage', Buffer.from('\u0001\u0002\u0003\u0004 garbage'), /: .*no packet length$/],
  ['an http answer', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /: .*no packet length$/],
  [
    'another service',
    Buffer.concat([linePacket('version 3').raw, FLUSH.raw]),
    /: does not speak protocol v2$/,
  ],
  [
    'protocol v0',
    Buffer.concat([linePacket(`${'0'.repeat(40)} HEAD\0multi_ack`).raw, FLUSH.raw]),
    /: does not/,
  ],
  [
    'an error',
    linePacket('ERR access denied or \u001b[31mnot').raw,
    /: refused: access denied or \?\[31mnot$/,
  ],
])('git://: greets with %s', async (_what, bytes, line) => {
  const port = await speaking(bytes, 'end');
  await scene.expectPassedOver(await scene.clone(`git://127.0.0.1:${port}/mirror.git`), line);
});

test('git://: a greeting without end', async () => {
  const { url } = scene.add(
    await startHostileServer(
      scripted([], Buffer.alloc(0), {
        async greeting(out) {
          await out.send(...greeting().slice(0, -1));
          while (!out.closed) await out.send(linePacket('x'.repeat(1000)));
        },
      }),
    ),
  );
  await scene.expectPassedOver(await scene.clone(url), /: sent an endless answer$/);
});

test.each(['git', 'http'])('%s: an error in the place of the list of refs', async (scheme) => {
  const error = linePacket('ERR out of \u001b[31mluck');
  const { port } = scene.add(
    await startHostileServer(
      scripted([], Buffer.alloc(0), {
        async lsRefs(_request, out) {
          await out.send(error);
          out.end();
        },
      }),
    ),
  );
  mirror.answer = (request, response) => {
    if (request.method !== 'POST') return false;
    request.resume();
    response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-result' }).end(error.raw);
    return true;
  };
  const url = scheme === 'git' ? `git://127.0.0.1:${port}/mirror.git` : plain;
  await scene.expectPassedOver(await scene.clone(url), /: .*out of \?\[31mluck$/);
});

test('many mirrors, each dead in its way: one line for each that fails, and none waits for a silent one', async () => {
  const [nobody, silent] = [await closedPort(), await speaking(null)];
  const mirrors = [
    `git://127.0.0.1:${nobody}/m.git`,
    `git://127.0.0.1:${silent}/m.git`,
    scene.sandbox.path('nowhere.git'),
    plain,
  ];
  const config = { 'gam.connectTimeout': '8s', 'gam.raceWidth': '1' };
  const outcome = await scene.clone(mirrors, { config });
  await scene.expectPassedOver(outcome, /connect/, /nowhere\.git: /);
  expect(outcome.said.at(-1)).toContain(`from 127.0.0.1:${mirror.port}`);
});
