import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gitVersion, isAtLeast } from '../../../src/git/version.ts';
import { DELIM, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';
import { type MirrorList, parseMirrorList } from '../../../src/protocol/mirror-list.ts';
import { listedVariable, writeMirrorListRequest } from '../../../src/protocol/mirror-list-request.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { fakeSsh } from '../../helpers/fake-ssh.ts';
import { type RawClient, startRawClient } from '../../helpers/raw-client.ts';
import { refsOf } from '../../helpers/refs.ts';
import { addCommits, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let hasSha256: boolean;

async function configure(repository: string, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(values))
    await sandbox.git(['config', key, value], { cwd: repository });
}

beforeAll(async () => {
  sandbox = makeSandbox();
  hasSha256 = isAtLeast(await gitVersion({ env: sandbox.env, cwd: sandbox.root }), '2.29');
  for (const [name, objectFormat] of [
    ['served.git', 'sha1'],
    ['sha256.git', 'sha256'],
    ['silent.git', 'sha1'],
  ] as const) {
    if (objectFormat === 'sha256' && !hasSha256) continue;
    await generateHistory(sandbox, name, { commits: 60, tags: 2, branches: 2, objectFormat });
    await configure(name, {
      'uploadpack.allowFilter': 'true',
      'mirrorList.enabled': name === 'silent.git' ? 'false' : 'true',
      'mirrorList.canonical': 'https://here.example/r.git',
      'mirrorList.eu.url': 'https://eu.example/r.git',
      'mirrorList.eu.location': 'DE',
      'mirrorList.us.url': 'https://us.example/r.git',
      'mirrorList.us.location': 'US',
    });
  }
});
afterAll(() => sandbox.close());

const THROUGH = 'gam upload-pack';

describe.each([0, 1, 2])('a stock client of protocol v%i', (version) => {
  const all = ['-c', `protocol.version=${version}`];

  test.each([
    ['clone', 'served.git', []],
    ['clone of sha256', 'sha256.git', []],
    ['clone without a list', 'silent.git', []],
    ['shallow clone', 'served.git', ['--depth=3', '--no-single-branch']],
    ['partial clone', 'served.git', ['--filter=blob:none', '--no-checkout']],
    ['mirror clone', 'served.git', ['--mirror']],
  ])('%s', async (name, repository, options) => {
    if (repository === 'sha256.git' && !hasSha256) return;
    const refs: unknown[] = [];
    for (const [way, service] of [
      ['plain', 'git-upload-pack'],
      ['gam', THROUGH],
    ] as const) {
      const to = `${name.replaceAll(' ', '-')}-${version}-${way}`;
      // By file:// git packs; a plain path it would copy.
      const url = `file://${sandbox.path(repository)}`;
      const words = [...all, 'clone', '-q', ...options, `--upload-pack=${service}`, url, to];
      expect((await sandbox.git(words)).stderr).toBe('');
      await sandbox.git(['fsck', '--strict', '--no-dangling', '--no-progress'], { cwd: to });
      const count = await sandbox.git(['count-objects', '-v'], { cwd: to });
      refs.push([await refsOf(sandbox, to), /^in-pack: .*$/m.exec(count.stdout)?.[0]]);
    }
    expect(refs[1]).toEqual(refs[0]);
    await expectNoChildren(sandbox);
  });

  test('fetch, and ls-remote, by remote.origin.uploadpack', async () => {
    const [from, to] = [`growing-${version}.git`, `fetching-${version}`];
    await sandbox.git(['clone', '-q', '--bare', 'served.git', from]);
    await configure(from, { 'mirrorList.enabled': 'true', 'mirrorList.a.url': 'https://a.example/r' });
    await sandbox.git(['clone', '-q', from, to]);
    await configure(to, { 'remote.origin.uploadpack': THROUGH });
    await addCommits(sandbox, from, 5);
    await sandbox.git([...all, 'fetch', '-q'], { cwd: to });
    const refs = await refsOf(sandbox, from);
    expect((await refsOf(sandbox, to))['refs/remotes/origin/main']).toBe(refs['refs/heads/main']);
    const { stdout } = await sandbox.git([...all, 'ls-remote', 'origin', 'main'], { cwd: to });
    expect(stdout).toBe(`${refs['refs/heads/main']}\trefs/heads/main\n`);
    const absent = await sandbox.git([...all, 'ls-remote', '--exit-code', 'origin', 'nope'], {
      cwd: to,
      expectStatus: 2,
    });
    expect(absent.stderr).toBe('');
  });

  test('over ssh', async () => {
    const ssh = fakeSsh(sandbox);
    const trace = sandbox.path('ssh-trace');
    writeFileSync(trace, '');
    const [to, url] = [`ssh-${version}`, `git@host:${sandbox.path('served')}`];
    await sandbox.git([...all, 'clone', '-q', `--upload-pack=${THROUGH}`, url, to], {
      env: { ...ssh.env, GIT_TRACE_PACKET: trace },
    });
    expect(ssh.calls().at(-1)).toContain(`${THROUGH} '${sandbox.path('served')}'`);
    expect((await refsOf(sandbox, to))['refs/remotes/origin/main']).toBe(
      (await refsOf(sandbox, 'served.git'))['refs/heads/main'],
    );
    expect(/clone< mirror-list$/m.test(readFileSync(trace, 'utf8'))).toBe(version === 2);
    const nowhere = [...all, 'ls-remote', `--upload-pack=${THROUGH}`, 'git@host:nowhere'];
    const failed = await sandbox.git(nowhere, { env: ssh.env, expectStatus: 128 });
    expect(failed.stderr).toMatch(/^fatal: '?nowhere'? does not appear to be a git repository/m);
    await expectNoChildren(sandbox);
  });

  test('says what it would say to git, and hears the same, but for one line', async () => {
    const said: string[][] = [];
    for (const service of ['git-upload-pack', THROUGH]) {
      const trace = sandbox.path('trace');
      writeFileSync(trace, '');
      const to = `traced-${version}-${said.length}`;
      const words = [
        ...all,
        'clone',
        '-q',
        `--upload-pack=${service}`,
        `file://${sandbox.path('served.git')}`,
        to,
      ];
      await sandbox.git(words, { env: { GIT_TRACE_PACKET: trace } });
      const lines = readFileSync(trace, 'utf8').matchAll(/packet: +(?:clone|fetch)([<>] .*)$/gm);
      said.push([...lines].map(([, line = '']) => line));
    }
    const [plain = [], gam = []] = said;
    expect(plain.length).toBeGreaterThan(10);
    expect(gam.filter((line) => line !== '< mirror-list')).toEqual(plain);
    expect(gam.length - plain.length).toBe(version === 2 ? 1 : 0);
  });
});

function openLine(env: Readonly<Record<string, string>> = {}, ...words: string[]): RawClient {
  return startRawClient(sandbox, ['gam', 'upload-pack', ...words, 'served.git'], env);
}

function listOf(packets: readonly Packet[]): MirrorList {
  return parseMirrorList(packets.map(listedVariable).filter((variable) => variable !== null));
}

async function withConfig(values: Readonly<Record<string, string>>, use: () => Promise<void>): Promise<void> {
  await configure('served.git', values);
  try {
    await use();
  } finally {
    for (const key of Object.keys(values))
      await sandbox.git(['config', '--unset', key], { cwd: 'served.git' });
  }
}

const ASK = writeMirrorListRequest({ url: null, skip: 0 }, ['agent=test', 'object-format=sha1']);

describe('the list', () => {
  test('is told as often as it is asked for, between what git answers', async () => {
    const client = openLine();
    expect(await client.lines()).toContain('mirror-list');
    const lists: MirrorList[] = [];
    for (let time = 0; time < 3; time += 1) {
      client.send(...ASK);
      lists.push(listOf(await client.answer()));
      client.send(linePacket('command=ls-refs'), DELIM, linePacket('ref-prefix refs/heads/main'), FLUSH);
      expect(await client.lines()).toHaveLength(1);
    }
    expect(await client.finish()).toBe(0);
    expect(client.complaints).toBe('');
    expect(lists[0]).toMatchObject({
      canonical: ['https://here.example/r.git'],
      mirrors: [
        { id: 'eu', url: 'https://eu.example/r.git', location: { country: 'DE' } },
        { id: 'us', url: 'https://us.example/r.git', location: { country: 'US' } },
      ],
      more: 0,
      ttl: 86_400,
    });
    expect(lists).toEqual([lists[0], lists[0], lists[0]]);
  });

  test('comes behind a pack that was asked for before, when all is sent at once', async () => {
    const main = (await refsOf(sandbox, 'served.git'))['refs/heads/main'];
    const client = openLine();
    const nothing = [linePacket('command=fetch'), DELIM, linePacket(`have ${main}`), FLUSH];
    client.send(linePacket('command=fetch'), DELIM, linePacket(`want ${main}`), linePacket('done'), FLUSH);
    // git has no answer to this one.
    client.send(...nothing, ...ASK, linePacket('command=ls-refs'), FLUSH, ...ASK);
    expect(await client.lines()).toContain('mirror-list');
    const pack = await client.lines();
    expect(pack[0]).toBe('packfile');
    expect(pack.length).toBeGreaterThan(2);
    expect(listOf(await client.answer()).mirrors).toHaveLength(2);
    expect((await client.lines()).length).toBeGreaterThan(3);
    expect(listOf(await client.answer()).mirrors).toHaveLength(2);
    expect(await client.finish()).toBe(0);
  });

  test('comes in pages', async () => {
    await withConfig({ 'mirrorList.limit': '1' }, async () => {
      const client = openLine();
      await client.lines();
      const pages: unknown[] = [];
      for (const skip of [0, 1, 2]) {
        client.send(...writeMirrorListRequest({ url: null, skip }, []));
        const { mirrors, more } = listOf(await client.answer());
        pages.push([mirrors.map(({ id }) => id).join(), more]);
      }
      expect(pages).toEqual([
        ['eu', 1],
        ['us', 0],
        ['', 0],
      ]);
      expect(await client.finish()).toBe(0);
    });
  });

  test('is that of a URL that is carried, and names what is carried for any other', async () => {
    const client = openLine();
    await client.lines();
    client.send(...writeMirrorListRequest({ url: 'https://here.example/r.git', skip: 0 }, []));
    expect(listOf(await client.answer()).mirrors).toHaveLength(2);
    client.send(...writeMirrorListRequest({ url: 'https://elsewhere.example/r.git', skip: 0 }, []));
    expect(listOf(await client.answer())).toMatchObject({
      canonical: ['https://here.example/r.git'],
      mirrors: [],
    });
    expect(await client.finish()).toBe(0);
  });

  test.each([
    ['8.8.8.8 50000 22', 'us,eu'],
    // Of the Humboldt University of Berlin.
    ['141.20.1.1 50000 22', 'eu,us'],
    ['10.0.0.1 50000 22', 'eu,us'],
  ])('is ordered by where %s is', async (SSH_CLIENT, order) => {
    await withConfig({ 'mirrorList.policy': 'geoip', 'mirrorList.geoData': '/nowhere' }, async () => {
      const client = openLine({ SSH_CLIENT });
      await client.lines();
      client.send(...ASK);
      const ids = listOf(await client.answer()).mirrors.map(({ id }) => id);
      expect(ids.join()).toBe(order);
      expect(await client.finish()).toBe(0);
      // Nobody is placed by data for a private address, and so none is missed.
      const warning =
        /^gam: cannot read mirrorList\.geoData=\/nowhere; using the data that geoip-lite brings along\n$/;
      expect(client.complaints).toMatch(SSH_CLIENT.startsWith('10.') ? /^$/ : warning);
    });
  });

  test('is ordered by the data in mirrorList.geoData, or else in GEODATADIR', async () => {
    // An empty file is data that knows of nobody.
    const folder = sandbox.path('geo');
    mkdirSync(folder);
    writeFileSync(join(folder, 'geoip-city.dat'), '');
    const order = async (env: Readonly<Record<string, string>>) => {
      const client = openLine({ SSH_CONNECTION: '8.8.8.8 50000 192.0.2.1 22', ...env });
      await client.lines();
      client.send(...ASK);
      const ids = listOf(await client.answer()).mirrors.map(({ id }) => id);
      expect([await client.finish(), client.complaints]).toEqual([0, '']);
      return ids.join();
    };
    await withConfig({ 'mirrorList.policy': 'geoip' }, async () => {
      expect(await order({})).toBe('us,eu');
      expect(await order({ GEODATADIR: folder })).toBe('eu,us');
      await withConfig({ 'mirrorList.geoData': folder }, async () => expect(await order({})).toBe('eu,us'));
    });
  });

  test('is told with a warning where a setting cannot be read', async () => {
    await withConfig({ 'mirrorList.limit': 'many' }, async () => {
      const client = openLine();
      await client.lines();
      expect(await client.finish()).toBe(0);
      expect(client.complaints).toBe('gam: cannot read mirrorList.limit=many; using the default\n');
    });
  });

  test.each([
    ['false', ''],
    ['perhaps', 'gam: cannot read mirrorList.enabled=perhaps; using the default\n'],
  ])('is not told where mirrorList.enabled is %s', async (enabled, complaints) => {
    await configure('silent.git', { 'mirrorList.enabled': enabled, 'mirrorList.limit': 'many' });
    const client = startRawClient(sandbox, ['gam', 'upload-pack', 'silent.git']);
    expect(await client.lines()).not.toContain('mirror-list');
    expect(await client.finish()).toBe(0);
    expect(client.complaints).toBe(complaints);
  });

  test('is said in the greeting of a stateless line, and told in answer to one request', async () => {
    const greeting = openLine({}, '--stateless-rpc', '--advertise-refs');
    expect(await greeting.lines()).toContain('mirror-list');
    expect(await greeting.finish()).toBe(0);
    const asking = openLine({}, '--stateless-rpc');
    asking.send(...ASK);
    expect(listOf(await asking.answer()).mirrors).toHaveLength(2);
    expect(await asking.finish()).toBe(0);
    const listing = openLine({}, '--stateless-rpc');
    listing.send(linePacket('command=ls-refs'), FLUSH);
    expect((await listing.lines()).length).toBeGreaterThan(3);
    expect(await listing.finish()).toBe(0);
  });
});

describe('a request that cannot be answered', () => {
  const long = `url=https://${'x'.repeat(60_000)}/`;
  const endless = Array.from({ length: 30_000 }, () => linePacket('argument'));
  test.each([
    ['skip=-1', [linePacket('skip=-1')], "ERR mirror-list: skip is no number: '-1'"],
    ['a URL of 60 kB', [linePacket(long)], 'ERR mirror-list: url is longer than 2048 characters'],
    ['endless packets', endless, 'ERR mirror-list: the request is longer than 131072 bytes'],
  ])('(%s) gets an error packet, and the line ends', async (_, packets, error) => {
    const client = openLine();
    await client.lines();
    client.send(linePacket('command=mirror-list'), DELIM, ...packets, FLUSH, ...ASK);
    expect(await client.lines()).toEqual([error]);
    expect(await client.finish()).toBe(128);
    await expectNoChildren(sandbox);
  });

  test('names another hash than that of the repository', async () => {
    const client = openLine();
    await client.lines();
    client.send(...writeMirrorListRequest({ url: null, skip: 0 }, ['object-format=sha256']));
    expect(await client.lines()).toEqual(['ERR mismatched object format: server sha1; client sha256']);
    expect(await client.finish()).toBe(128);
  });

  test.each([
    ['an unknown command', [linePacket('command=nope'), FLUSH]],
    ['no command', [linePacket('agent=x'), DELIM, FLUSH]],
    ['an unknown capability', [linePacket('command=ls-refs'), linePacket('mirror-list=x'), FLUSH]],
    ['no packets', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['half a packet', [linePacket('agent=x'), Buffer.from('0020comm')]],
  ])('is answered by git where it is for git: %s', async (_, bytes) => {
    const ends: unknown[] = [];
    for (const program of ['git', 'gam']) {
      const client = startRawClient(sandbox, [program, 'upload-pack', 'served.git']);
      await client.lines();
      client.send(...bytes);
      ends.push([await client.finish(), client.complaints]);
    }
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[0]).toMatchObject([128, /fatal: /]);
    await expectNoChildren(sandbox);
  });

  test.each([[[]], [['--no-such-option', 'served.git']], [['nowhere']], [['--strict', 'served']], [['-h']]])(
    'as words of the command line (%j), has the status that git gives it',
    async (words) => {
      const git = await sandbox.git(['upload-pack', ...words], { expectStatus: null });
      const env = { GIT_PROTOCOL: 'version=2' };
      const gam = await sandbox.run('gam', ['upload-pack', ...words], { expectStatus: null, env });
      expect([gam.status, gam.stdout, gam.stderr]).toEqual([git.status, git.stdout, git.stderr]);
      expect(git.status).not.toBe(0);
    },
  );
});
