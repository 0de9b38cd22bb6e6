import nock from 'nock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { DEFAULT_SETTINGS } from '../../../src/config/settings.ts';
import { DELIM, dataPacket, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';
import { BAND, bandPayload } from '../../../src/pkt-line/sideband.ts';
import { parseGitUrl, type WebUrl } from '../../../src/protocol/git-url.ts';
import type { MirrorContact } from '../../../src/transport/mirror-line.ts';
import { isPlainWeb } from '../../../src/transport/plain-web.ts';
import { probeWeb } from '../../../src/transport/web-probe.ts';

const OID = '1234567890123456789012345678901234567890';
const MIRROR = parseGitUrl('https://m.example/r') as WebUrl;
const ADVERTISEMENT = { 'content-type': 'application/x-git-upload-pack-advertisement' };

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  const pending = nock.pendingMocks();
  nock.cleanAll();
  nock.enableNetConnect();
  expect(pending).toEqual([]);
});

function bytes(...packets: Packet[]): Buffer {
  return Buffer.concat(packets.map(({ raw }) => raw));
}

const greeting = (...lines: string[]) =>
  bytes(linePacket('# service=git-upload-pack'), FLUSH, ...['version 2', ...lines].map(linePacket), FLUSH);
const GREETING = greeting('ls-refs', 'fetch=shallow', 'object-format=sha1');
const REFS = bytes(linePacket(`${OID} HEAD`), linePacket(`${OID} refs/heads/main`), FLUSH);
const pack = (packets: number) =>
  bytes(
    linePacket('shallow-info'),
    linePacket(`shallow ${OID}`),
    DELIM,
    linePacket('packfile'),
    ...Array.from({ length: packets }, () => dataPacket(bandPayload(BAND.data, Buffer.alloc(60_000)))),
    FLUSH,
  );

function server() {
  return nock('https://m.example').get('/r/info/refs?service=git-upload-pack');
}

function probe(signal = new AbortController().signal) {
  const contact: MirrorContact = {
    entries: [],
    env: {},
    settings: DEFAULT_SETTINGS,
    signal,
    note: () => undefined,
  };
  return probeWeb(MIRROR, contact, (task) => task());
}

describe('probeWeb', () => {
  test('sees refs and a sample, asks in protocol v2, and shows nothing of the user', async () => {
    const seen: string[] = [];
    const scope = server()
      .matchHeader('git-protocol', 'version=2')
      .reply(200, GREETING, ADVERTISEMENT)
      .persist();
    scope.on('request', (request: { headers: Record<string, string> }) =>
      seen.push(...Object.keys(request.headers)),
    );
    nock('https://m.example')
      .post('/r/git-upload-pack', /command=ls-refs/)
      .matchHeader('git-protocol', 'version=2')
      .reply(200, REFS)
      .post('/r/git-upload-pack', new RegExp(`command=fetch[^]*want ${OID}[^]*deepen 1[^]*done`))
      .reply(200, pack(3));
    const probed = await probe();
    expect(probed?.refs).toEqual(
      new Map([
        ['HEAD', OID],
        ['refs/heads/main', OID],
      ]),
    );
    expect(probed?.sample.bytes).toBe(120_000);
    expect(probed?.latency).toBeGreaterThan(0);
    expect(seen.filter((name) => /authorization|cookie|referer/i.test(name))).toEqual([]);
    nock.cleanAll();
  });

  test('does not read on when a mebibyte has come', async () => {
    server().twice().reply(200, GREETING, ADVERTISEMENT);
    nock('https://m.example')
      .post('/r/git-upload-pack')
      .reply(200, REFS)
      .post('/r/git-upload-pack')
      .reply(200, pack(40));
    expect((await probe())?.sample.bytes).toBe(17 * 60_000);
  });

  test.each([
    ['redirects', 302, '', { location: 'https://evil.example/' }, /^redirects, which is refused$/],
    ['is not there', 404, '', {}, /^answers with http status 404$/],
    ['is a page', 200, '<html>\u001b[2J', { 'content-type': 'text/html' }, /^[ -~]+$/],
    [
      'speaks an older protocol',
      200,
      bytes(linePacket('# service=git-upload-pack'), FLUSH, linePacket(`${OID} HEAD\0ofs-delta`), FLUSH),
      ADVERTISEMENT,
      /protocol v2/,
    ],
    [
      'has other objects',
      200,
      greeting('ls-refs', 'fetch', 'object-format=sha256'),
      ADVERTISEMENT,
      /^has sha256 objects$/,
    ],
  ])('tells of a mirror that %s', async (_, status, body, headers, message) => {
    server().reply(status, body, headers);
    await expect(probe()).rejects.toMatchObject({
      tryElsewhere: true,
      message: expect.stringMatching(message),
    });
  });

  test('tells of one that has no refs, no pack, or an error in its place', async () => {
    const answers: [Buffer, Buffer | null, RegExp][] = [
      [bytes(FLUSH), null, /^has no refs$/],
      [REFS, bytes(linePacket('packfile'), FLUSH), /^sent no pack$/],
      [
        REFS,
        bytes(linePacket('ERR upload-pack: \u001b[31mnot our ref')),
        /^refused: upload-pack: \?\[31mnot our ref$/,
      ],
    ];
    for (const [refs, sent, message] of answers) {
      server().twice().reply(200, GREETING, ADVERTISEMENT);
      nock('https://m.example').post('/r/git-upload-pack').reply(200, refs);
      if (sent !== null) nock('https://m.example').post('/r/git-upload-pack').reply(200, sent);
      await expect(probe()).rejects.toMatchObject({ message: expect.stringMatching(message) });
    }
  });

  test('leaves a mirror that asks for a login, or shows an unknown certificate, to git', async () => {
    server().reply(401, '', { 'www-authenticate': 'Basic' });
    expect(await probe()).toBeNull();
    server().replyWithError(Object.assign(new Error('unknown'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }));
    expect(await probe()).toBeNull();
  });

  test('ends at once when it is interrupted', async () => {
    const stop = new AbortController();
    server().delay(60_000).reply(200, GREETING, ADVERTISEMENT);
    const probed = probe(stop.signal);
    setImmediate(() => stop.abort());
    await expect(probed).rejects.toMatchObject({ name: 'AbortError' });
    nock.abortPendingRequests();
  });
});

describe('isPlainWeb', () => {
  const set = (section: string, subsection: string | null, name: string): ConfigEntry => ({
    section,
    subsection,
    name,
    value: 'x',
  });

  test.each([
    ['nothing', [], {}, true],
    [
      'what is withheld anyway',
      [set('http', null, 'extraheader'), set('http', null, 'cookiefile')],
      {},
      true,
    ],
    ['a general credential helper', [set('credential', null, 'helper')], {}, true],
    ['a proxy', [set('http', null, 'proxy')], {}, false],
    ['a header of a host', [set('http', 'https://m.example/', 'extraheader')], {}, false],
    ['a certificate', [set('http', 'https://m.example/', 'sslcainfo')], {}, false],
    ['a helper of a host', [set('credential', 'https://m.example', 'helper')], {}, false],
    ['a proxy of the environment', [], { https_proxy: 'http://p:3128' }, false],
    ['git’s own certificates', [], { GIT_SSL_CAINFO: '/x' }, false],
  ])('with %s', (_, entries, env, plain) => {
    expect(isPlainWeb(entries, env)).toBe(plain);
  });
});
