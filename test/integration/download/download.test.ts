import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../src/config/settings.ts';
import { type Downloaded, type DownloadOrder, download } from '../../../src/download/download.ts';
import { GamError } from '../../../src/errors.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../helpers/http-server.ts';
import { type Line, type LineOptions, openLine } from '../../helpers/line.ts';
import type { Fault } from '../../helpers/line-fault.ts';
import { closedPort } from '../../helpers/listening.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// One file, from servers that are good, bad and worse: whatever happens on the way, the bytes are the file's.

const SIZE = 6 * 1024 ** 2;
let sandbox: Sandbox;
let server: HttpServer;
let content: Buffer;
let digest: string;
let made = 0;

async function serve(folder: string, options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return startHttpServer({ root: sandbox.path(folder), env: sandbox.serverEnv, speaks: 'dumb', ...options });
}

beforeAll(async () => {
  sandbox = makeSandbox();
  await sandbox.run('mkdir', ['served', 'into']);
  content = randomBytes(SIZE);
  digest = createHash('sha256').update(content).digest('hex');
  writeFileSync(sandbox.path('served/file'), content);
  server = await serve('served');
});

afterAll(async () => {
  await server.close();
  await sandbox.close();
});

async function line(options: Partial<LineOptions> = {}): Promise<Line & { url: string }> {
  const opened = await openLine({ to: server.port, ...options });
  onTestFinished(() => opened.close());
  return Object.assign(opened, { url: `http://127.0.0.1:${opened.port}/file` });
}

function target(): string {
  made += 1;
  return sandbox.path(`into/${made}`);
}

interface Attempt extends Partial<DownloadOrder> {
  settings?: Partial<typeof DEFAULT_SETTINGS>;
  env?: Record<string, string>;
  signal?: AbortSignal;
}

function get(urls: readonly string[], attempt: Attempt = {}): Promise<Downloaded> {
  const { settings, env, signal = new AbortController().signal, ...order } = attempt;
  const whole: DownloadOrder = {
    urls,
    file: target(),
    sizeLimit: 1024 ** 3,
    sha256: null,
    inspect: () => Promise.resolve(true),
    grown: () => undefined,
    ...order,
  };
  return download(whole, {
    env: { ...sandbox.env, ...env },
    cwd: sandbox.root,
    settings: { ...DEFAULT_SETTINGS, lowSpeedTime: 1000, ...settings },
    signal,
  });
}

/** The file is there, and nothing beside it. */
function expectWhole(file: string, bytes = content): void {
  expect(readFileSync(file).equals(bytes)).toBe(true);
  expect([existsSync(`${file}.part`), existsSync(`${file}.journal`)]).toEqual([false, false]);
}

function total({ received }: Downloaded): number {
  return [...received.values()].reduce((sum, bytes) => sum + bytes, 0);
}

describe('from one source', () => {
  test('the bytes come once, and the connection is closed', async () => {
    const file = target();
    const { url } = await line();
    const got = await get([url], { file, sha256: digest });
    expectWhole(file);
    expect(got.size).toBe(SIZE);
    expect(total(got)).toBe(SIZE);
  });

  test('a large file comes over several connections', async () => {
    const large = randomBytes(40 * 1024 ** 2);
    writeFileSync(sandbox.path('served/large'), large);
    const file = target();
    const { url, ...one } = await line({ latency: 5, download: 400e6 });
    server.requests.length = 0;
    await get([url.replace(/file$/, 'large')], { file });
    expectWhole(file, large);
    expect(server.requests.length).toBeGreaterThan(2);
    expect(one.bytesDown).toBeLessThan(1.25 * large.length);
  });

  test('a server that knows no parts sends one stream', async () => {
    server.answer = (_request, response) => {
      response.writeHead(200).end(content);
      return true;
    };
    onTestFinished(() => {
      server.answer = null;
    });
    const file = target();
    await get([`${server.url}/file`], { file, sha256: digest });
    expectWhole(file);
  });

  test('what it is asked tells nothing of who asks', async () => {
    server.requests.length = 0;
    await sandbox.git(['config', '--global', 'http.extraHeader', 'X-Token: secret']);
    writeFileSync(sandbox.path('home/.netrc'), 'default login u password secret\n');
    await get([`${server.url}/file`]);
    await sandbox.git(['config', '--global', '--unset', 'http.extraHeader']);
    expect(server.requests.length).toBeGreaterThan(0);
    for (const { headers } of server.requests)
      expect(Object.keys(headers).sort()).toEqual([
        'accept-encoding',
        'connection',
        'host',
        'range',
        'user-agent',
      ]);
  });

  test.each<[string, Fault]>([
    ['resets in the middle', { kind: 'reset', after: 3e6 }],
    ['hangs up in the middle', { kind: 'cut', after: 3e6 }],
  ])('a line that %s is gone on with from there', async (_how, fault) => {
    const file = target();
    const { url, ...one } = await line({ fault: (connection) => (connection === 1 ? fault : null) });
    await get([url], { file, sha256: digest });
    expectWhole(file);
    expect(one.bytesDown).toBeLessThan(1.25 * SIZE);
  });
});

describe('a source that is none', () => {
  const answers: [string, (typeof server)['answer'], RegExp][] = [
    ['is not there', (_q, r) => !!r.writeHead(404).end(), /answered 404/],
    ['redirects', (_q, r) => !!r.writeHead(302, { Location: `${server.url}/file?2` }).end(), /redirects/],
    ['asks for a login', (_q, r) => !!r.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end(), /401/],
    ['compresses', (_q, r) => !!r.writeHead(200, { 'Content-Encoding': 'gzip' }).end('x'), /encoded/],
    [
      'sends another part',
      (_q, r) => !!r.writeHead(206, { 'Content-Range': `bytes 5-9/${SIZE}` }).end('12345'),
      /another part/,
    ],
    [
      'promises too much',
      (_q, r) => !!r.writeHead(206, { 'Content-Range': `bytes 0-9/${10 ** 14}` }).end('0123456789'),
      /size limit/,
    ],
    [
      'sends for ever',
      (_q, r) => {
        const more = (): unknown => r.destroyed || r.write(Buffer.alloc(65_536), () => setImmediate(more));
        more();
        return true;
      },
      /more than the size limit/,
    ],
  ];
  test.each(answers)('%s: one error tells why', async (_how, answer, reason) => {
    server.answer = answer;
    onTestFinished(() => {
      server.answer = null;
    });
    const file = target();
    const failed = get([`${server.url}/file`], { file, sizeLimit: 8 * 1024 ** 2 });
    await expect(failed).rejects.toThrow(reason);
    await expect(failed).rejects.toBeInstanceOf(GamError);
    expect(existsSync(file)).toBe(false);
  });

  test.each<[string, Fault, RegExp]>([
    ['is silent', { kind: 'stall' }, /no answer within/],
    ['falls silent', { kind: 'stall', after: 1e6 }, /slower than/],
    ['drips', { kind: 'drip', every: 5 }, /no answer|slower than/],
  ])('%s: it is left', async (_how, fault, reason) => {
    const { url } = await line({ fault });
    await expect(get([url], { settings: { connectTimeout: 1000 } })).rejects.toThrow(reason);
  });

  test('each is named when all fail', async () => {
    const port = await closedPort();
    const urls = [`http://127.0.0.1:${port}/file`, `${server.url}/missing?token=secret`];
    const message = await get(urls).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).toMatch(new RegExp(`${port}/file .*ECONNREFUSED.*; .*/missing answered 404`));
    expect(message).not.toContain('secret');
  });

  test('a file without the digest that it should have is thrown away', async () => {
    const file = target();
    await expect(get([`${server.url}/file`], { file, sha256: '0'.repeat(64) })).rejects.toThrow(/digest/);
    expect(readdirSync(sandbox.path('into')).filter((name) => name.startsWith(`${made}`))).toEqual([]);
  });
});

describe('what looks at the first bytes', () => {
  test('sees them in their order, and ends the download with its word', async () => {
    const { url, ...one } = await line({ latency: 2, download: 40e6 });
    const seen: Buffer[] = [];
    const refused = get([url, `${server.url}/file`], {
      inspect(bytes, at) {
        expect(at).toBe(Buffer.concat(seen).length);
        seen.push(bytes);
        if (at > 100_000) throw new Error('no thanks');
        return Promise.resolve(false);
      },
    });
    await expect(refused).rejects.toThrow('no thanks');
    expect(content.subarray(0, Buffer.concat(seen).length).equals(Buffer.concat(seen))).toBe(true);
    expect(one.bytesDown).toBeLessThan(SIZE / 2);
  });
});

describe('from several sources', () => {
  test('that are capped each, their rates add up', async () => {
    const capped = { latency: 5, download: 24e6 };
    const timed = async (urls: readonly string[]) => {
      const file = target();
      const started = performance.now();
      await get(urls, { file, sha256: digest });
      expectWhole(file);
      return performance.now() - started;
    };
    const alone = await timed([(await line(capped)).url]);
    const lines = [await line(capped), await line(capped)];
    const both = await timed(lines.map(({ url }) => url));
    expect(alone / both).toBeGreaterThan(1.25);
    for (const { bytesDown } of lines) expect(bytesDown).toBeGreaterThan(SIZE / 4);
  });

  test('a slow one loses its part to a fast one', async () => {
    const [slow, fast] = [await line({ download: 200e3 }), await line({ latency: 2, download: 100e6 })];
    const file = target();
    const got = await get([slow.url, fast.url], { file, sha256: digest });
    expectWhole(file);
    expect(got.received.get(fast.url)).toBeGreaterThan(0.8 * SIZE);
  });

  test.each<[string, Buffer]>([
    ['of another size', Buffer.alloc(SIZE - 1)],
    ['of the same size', Buffer.alloc(SIZE)],
  ])('one with another file %s is not mixed in', async (_how, bytes) => {
    await sandbox.run('mkdir', ['-p', 'other']);
    writeFileSync(sandbox.path('other/file'), bytes);
    const other = await serve('other');
    onTestFinished(() => other.close());
    const { url } = await line({ latency: 5, download: 20e6 });
    const file = target();
    await get([url, `${other.url}/file`], { file, sha256: digest });
    expectWhole(file);
    expect(other.requests.length).toBeGreaterThan(0);
  });

  test('any that fail, in any way and at any time, change nothing as long as one is left', async () => {
    const fault = fc.oneof(
      fc.constant<Fault>({ kind: 'reset' }),
      fc.integer({ min: 0, max: SIZE }).map((after): Fault => ({ kind: 'reset', after })),
      fc.integer({ min: 0, max: SIZE }).map((after): Fault => ({ kind: 'cut', after })),
      fc.integer({ min: 0, max: SIZE }).map((after): Fault => ({ kind: 'stall', after })),
    );
    const source = fc.record({ fault, megabits: fc.integer({ min: 20, max: 200 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(source, { maxLength: 3 }), fc.nat(3), async (bad, place) => {
        const lines = await Promise.all(
          bad.map((one) => openLine({ to: server.port, download: one.megabits * 1e6, fault: one.fault })),
        );
        const good = await openLine({ to: server.port, latency: 1, download: 200e6 });
        const urls = lines.map(({ port }) => `http://127.0.0.1:${port}/file`);
        urls.splice(place, 0, `http://127.0.0.1:${good.port}/file`);
        try {
          const file = target();
          await get(urls, { file, sha256: digest, settings: { connectTimeout: 1000, lowSpeedTime: 600 } });
          expectWhole(file);
        } finally {
          await Promise.all([...lines, good].map((one) => one.close()));
        }
      }),
      { numRuns: 12 },
    );
  });
});

describe('broken off', () => {
  test('by a signal, it goes on with what is there, and little comes twice', async () => {
    const { url, ...one } = await line({ latency: 2, download: 40e6 });
    const file = target();
    const giveUp = new AbortController();
    const first = get([url], { file, signal: giveUp.signal });
    await one.reached(SIZE / 2);
    giveUp.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect(existsSync(`${file}.part`)).toBe(true);
    const got = await get([url], { file, sha256: digest });
    expectWhole(file);
    expect(total(got)).toBeLessThan(0.75 * SIZE);
    expect(one.bytesDown).toBeLessThan(1.25 * SIZE);
  });

  test('by SIGKILL, too', async () => {
    const { url, ...one } = await line({ latency: 2, download: 40e6 });
    const file = target();
    const program = `
      import { download } from '${new URL('../../../src/download/download.ts', import.meta.url).href}';
      const settings = { connectTimeout: 5000, lowSpeedLimit: 4096, lowSpeedTime: 10000 };
      const order = { urls: ['${url}'], file: '${file}', sizeLimit: 1e9, sha256: null,
        inspect: async () => true, grown: () => undefined };
      await download(order, { env: process.env, cwd: '.', settings, signal: new AbortController().signal });`;
    writeFileSync(sandbox.path('program.mts'), program);
    const tsx = new URL('../../../node_modules/tsx/dist/loader.mjs', import.meta.url).href;
    const running = sandbox.start(process.execPath, ['--import', tsx, 'program.mts']);
    await one.reached(SIZE / 2);
    running.kill('SIGKILL');
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
    await get([url], { file, sha256: digest });
    expectWhole(file);
    expect(one.bytesDown).toBeLessThan(1.25 * SIZE);
  });

  test('and changed meanwhile, it begins anew', async () => {
    const copy = Buffer.from(content);
    writeFileSync(sandbox.path('served/changing'), copy);
    const { url, ...one } = await line({ latency: 2, download: 40e6 });
    const changing = url.replace(/file$/, 'changing');
    const file = target();
    const giveUp = new AbortController();
    const first = get([changing], { file, signal: giveUp.signal });
    await one.reached(SIZE / 2);
    giveUp.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    copy.fill(0, 0, 1000);
    writeFileSync(sandbox.path('served/changing'), copy);
    utimesSync(sandbox.path('served/changing'), new Date(), new Date(Date.now() + 5000));
    await get([changing], { file });
    expectWhole(file, copy);
  });
});

describe('what git is configured to', () => {
  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['a proxy of the environment', {}, { http_proxy: 'http://127.0.0.1:9' }],
    ['a proxy of git', { 'http.proxy': 'http://127.0.0.1:9' }, {}],
    ['a proxy for this host', { 'http.http://127.0.0.1/.proxy': '127.0.0.1:9' }, { no_proxy: 'other' }],
  ])('%s: the source is left alone', async (_what, config, env) => {
    const port = new URL(server.url).port;
    const pairs = Object.entries(config).map(([key, value]) => [
      key.replace('127.0.0.1/', `127.0.0.1:${port}/`),
      value,
    ]);
    const parameters = Object.fromEntries(
      pairs.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key ?? ''],
        [`GIT_CONFIG_VALUE_${index}`, value ?? ''],
      ]),
    );
    server.requests.length = 0;
    const failed = get([`${server.url}/file`], {
      env: { ...env, ...parameters, GIT_CONFIG_COUNT: `${pairs.length}` },
    });
    await expect(failed).rejects.toThrow(/a proxy is set/);
    expect(server.requests).toEqual([]);
    await get([`${server.url}/file`], { env: { http_proxy: 'http://127.0.0.1:9', no_proxy: '127.0.0.1' } });
  });

  test('certificates: checked, by http.sslCAInfo, or not, by http.sslVerify', async () => {
    const tls = await makeCertificate(sandbox);
    const secure = await serve('served', { tls });
    onTestFinished(() => secure.close());
    const url = `${secure.url}/file`;
    await expect(get([url])).rejects.toThrow(/self.signed|certificate/);
    for (const env of [{ GIT_SSL_CAINFO: tls.path }, { GIT_SSL_NO_VERIFY: '1' }]) {
      const file = target();
      await get([url], { file, env });
      expectWhole(file);
    }
    await expect(get([url], { env: { GIT_SSL_CAPATH: '/etc/ssl' } })).rejects.toThrow(/cannot obey/);
  });
});
