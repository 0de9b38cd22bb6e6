import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';
import { WebTip } from '../../../src/transport/web-tip.ts';
import { Connections, closedPort, listen } from '../../helpers/listening.ts';

const OID = '1234567890123456789012345678901234567890';
const OID_256 = 'a'.repeat(64);
const RESULT = { 'content-type': 'application/x-git-upload-pack-result' };
const REF = 'refs/heads/main';
/** None of these answers is waited for so long, unless it never ends. */
const LONG_MS = 60_000;

// nock does not see the requests of undici.
let server: Server;
let origin: string;
const connections = new Connections();
let tip: WebTip | null = null;
/** What was asked. */
let asked: { path: string; headers: IncomingMessage['headers']; body: Buffer }[] = [];
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  asked = [];
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    asked.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) });
    answer(response);
  });
  server.on('connection', (socket) => connections.add(socket));
  origin = `http://127.0.0.1:${await listen(server)}`;
});
afterEach(async () => {
  await tip?.close();
  tip = null;
  await connections.close(server);
});

const bytes = (...packets: Packet[]) => Buffer.concat(packets.map(({ raw }) => raw));
const result = (...lines: string[]) => bytes(...lines.map(linePacket), FLUSH);
const never = new AbortController().signal;

function open(options: { url?: string; format?: 'sha1' | 'sha256'; timeout?: number } = {}): WebTip {
  const { url = `${origin}/r.git`, format = 'sha1', timeout = LONG_MS } = options;
  tip = new WebTip(url, REF, format, timeout);
  return tip;
}

describe('WebTip says', () => {
  test('where the branch stands, over one line, by the one request that version 2 has for it', async () => {
    answer = (response) => response.writeHead(200, RESULT).end(result(`${OID} ${REF}`));
    const before = connections.count;
    const line = open();
    for (let n = 0; n < 3; n += 1) expect(await line.ask(never)).toBe(OID);
    expect(connections.count - before).toBe(1);
    expect(asked).toHaveLength(3);
    expect(asked[0]).toMatchObject({
      path: '/r.git/git-upload-pack',
      headers: {
        'git-protocol': 'version=2',
        'content-type': 'application/x-git-upload-pack-request',
        accept: 'application/x-git-upload-pack-result',
      },
      body: bytes(
        linePacket('command=ls-refs'),
        linePacket('object-format=sha1'),
        DELIM,
        linePacket(`ref-prefix ${REF}`),
        FLUSH,
      ),
    });
  });

  test('the same of a repository with longer ids', async () => {
    answer = (response) => response.writeHead(200, RESULT).end(result(`${OID_256} ${REF}`));
    expect(await open({ format: 'sha256' }).ask(never)).toBe(OID_256);
    expect(String(asked[0]?.body)).toContain('object-format=sha256');
  });

  test('that the branch is not there, also where one with a longer name is', async () => {
    answer = (response) => response.writeHead(200, RESULT).end(result(`${OID} ${REF}-next`));
    expect(await open().ask(never)).toBeNull();
    answer = (response) => response.writeHead(200, RESULT).end(result());
    expect(await open().ask(never)).toBeNull();
  });

  test('what comes a byte at a time', async () => {
    answer = async (response) => {
      response.writeHead(200, RESULT);
      for (const byte of result(`${OID} ${REF}`)) {
        response.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      response.end();
    };
    expect(await open().ask(never)).toBe(OID);
  });

  test.each([
    ['/a b.git', '/a%20b.git/git-upload-pack'],
    ['/a%20b%2Fc.git//', '/a%20b%2Fc.git/git-upload-pack'],
    ['/größe', '/gr%C3%B6%C3%9Fe/git-upload-pack'],
    ['/cgi?repo=a&x=b', '/cgi?repo=a&x=b/git-upload-pack'],
    ['/', '/git-upload-pack'],
  ])('so of a repository at %s', async (name, path) => {
    answer = (response) => response.writeHead(200, RESULT).end(result(`${OID} ${REF}`));
    expect(await open({ url: origin + name }).ask(never)).toBe(OID);
    expect(asked[0]?.path).toBe(path);
  });
});

describe('WebTip does not know', () => {
  const good = () => result(`${OID} ${REF}`);
  test.each<[string, (response: ServerResponse) => void]>([
    ['behind a login', (response) => response.writeHead(401, RESULT).end(good())],
    ['where it is led elsewhere', (response) => response.writeHead(302, { location: '/other' }).end()],
    ['where there is nothing', (response) => response.writeHead(404).end('not found')],
    ['of a server that is busy', (response) => response.writeHead(503, RESULT).end(good())],
    ['by a page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(good())],
    ['by no type at all', (response) => response.writeHead(200).end(good())],
    [
      'by an answer without its end',
      (response) => response.writeHead(200, RESULT).end(good().subarray(0, -4)),
    ],
    ['by nothing', (response) => response.writeHead(200, RESULT).end()],
    [
      'by what is no ref',
      (response) => response.writeHead(200, RESULT).end(result('version 1', `${OID} ${REF}`)),
    ],
    ['by an error', (response) => response.writeHead(200, RESULT).end(result('ERR not here'))],
  ])('%s', async (_, say) => {
    answer = say;
    expect(await open().ask(never)).toBeUndefined();
  });

  test.each([
    ['refs', RESULT],
    ['a page', { 'content-type': 'text/html' }],
  ])('by %s without an end, and takes in no more than is of use', async (_, headers) => {
    const packet = bytes(...Array.from({ length: 100 }, (_unused, n) => linePacket(`${OID} ${REF}-${n}`)));
    let sent = 0;
    answer = (response) => {
      response.writeHead(200, headers);
      const more = () => {
        while (!response.destroyed) {
          sent += packet.length;
          if (!response.write(packet)) break;
        }
      };
      response.on('drain', more);
      more();
    };
    expect(await open().ask(never)).toBeUndefined();
    expect(sent).toBeLessThan(64 * 2 ** 20);
  });
});

describe('WebTip fails', () => {
  test.each([
    ['at packets that are none', 'zzzz'],
    ['at a length that cannot be', '0003'],
  ])('%s', async (_, text) => {
    answer = (response) => response.writeHead(200, RESULT).end(text);
    await expect(open().ask(never)).rejects.toThrow();
  });

  test('where nobody listens, and where the line breaks', async () => {
    await expect(open({ url: `http://127.0.0.1:${await closedPort()}/r` }).ask(never)).rejects.toThrow();
    await tip?.close();
    answer = (response) => {
      response.writeHead(200, { ...RESULT, 'content-length': '500' }).write('00');
      response.socket?.destroy();
    };
    await expect(open().ask(never)).rejects.toThrow();
    // The next one is over a new line.
    answer = (response) => response.writeHead(200, RESULT).end(result(`${OID} ${REF}`));
    expect(await tip?.ask(never)).toBe(OID);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['says nothing', () => undefined],
    ['stops in the middle', (response) => response.writeHead(200, RESULT).write('00')],
    [
      'sends a byte now and then',
      (response) => {
        response.writeHead(200, RESULT);
        const timer = setInterval(() => response.write('0'), 20);
        response.once('close', () => clearInterval(timer));
      },
    ],
  ])('in time at a server that %s', async (_, say) => {
    answer = say;
    await expect(open({ timeout: 300 }).ask(never)).rejects.toThrow();
  });

  test('as soon as it is told to end, before and while it waits', async () => {
    answer = () => end.abort();
    const end = new AbortController();
    await expect(open().ask(end.signal)).rejects.toThrow();
    await expect(tip?.ask(end.signal)).rejects.toThrow();
    expect(asked).toHaveLength(1);
  });
});
