import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';
import { BAND } from '../../../src/pkt-line/sideband.ts';
import { expectNoChildren, leftovers } from '../../helpers/evidence.ts';
import { packHeader, packObject, packOf, SPOILED, TYPE } from '../../helpers/hostile-pack.ts';
import { type HostileScene, IMPATIENT, setHostileScene } from '../../helpers/hostile-scene.ts';
import {
  type HostileServer,
  type Out,
  onBand,
  packFrom,
  type Script,
  scripted,
  startHostileServer,
} from '../../helpers/hostile-server.ts';
import { setOrigin } from '../../helpers/repository.ts';
import { copyRepository } from '../../helpers/scene.ts';
import { type RepositoryState, stateOf } from '../../helpers/state.ts';

// Mirrors that lie in the answer to a request that was sent on to them. Whatever they say, the clone is the one
// that plain git makes.

let scene: HostileScene;
let main: string;
const plain = new Map<string, RepositoryState>();

beforeAll(async () => {
  scene = await setHostileScene();
  const { sandbox } = scene;
  for (const key of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant'])
    await sandbox.git(['config', key, 'true'], { cwd: 'served/canonical.git' });
  main = await parsed('main');
  for (const option of ['--depth=3', '--filter=blob:none']) {
    const to = `plain${option}`;
    await sandbox.git(['clone', '-q', '-n', option, `file://${scene.canonical}`, to]);
    plain.set(option, await stateOf(sandbox, to));
  }
});

afterAll(() => scene.close());

async function parsed(revision: string): Promise<string> {
  const { stdout } = await scene.sandbox.git(['rev-parse', revision], { cwd: 'served/canonical.git' });
  return stdout.trim();
}

interface Known {
  oid: string;
  type: string;
}

/** Every object that is in a repository, whether anything leads to it or not. */
async function objectsIn(repository: string): Promise<Known[]> {
  const list = ['cat-file', '--batch-all-objects', '--batch-check=%(objectname) %(objecttype)'];
  const { stdout } = await scene.sandbox.git(list, { cwd: repository });
  const lines = stdout.trim().split('\n').sort();
  return lines.map((line) => ({
    oid: line.slice(0, line.indexOf(' ')),
    type: line.slice(line.indexOf(' ') + 1),
  }));
}

/** A pack of what plain git gets with an option, but for what a test leaves out. */
async function truePack(
  option: string,
  keep: (one: Known, all: Known[]) => boolean = () => true,
): Promise<Buffer> {
  const all = await objectsIn(`plain${option}`);
  const oids = all.filter((one) => keep(one, all)).map(({ oid }) => oid);
  return oids.length === 0 ? packOf([]) : packFrom(scene.sandbox, `plain${option}`, oids);
}

/** A mirror that answers with these lines before `packfile`, and this pack. */
async function answering(
  lines: readonly string[],
  pack: Buffer,
  changes: Partial<Script> = {},
): Promise<HostileServer> {
  return scene.add(
    await startHostileServer(
      scripted([], pack, {
        greeting: (out) =>
          out.send(
            ...['version 2', 'agent=hostile/1', 'ls-refs', 'fetch=shallow filter', 'object-format=sha1'].map(
              linePacket,
            ),
            FLUSH,
          ),
        fetch: (_request, out) => out.send(...start(lines), ...onBand(BAND.data, pack), FLUSH),
        ...changes,
      }),
    ),
  );
}

function start(lines: readonly string[]): Packet[] {
  const info = lines.length > 0 ? [linePacket('shallow-info'), ...lines.map(linePacket), DELIM] : [];
  return [...info, linePacket('packfile')];
}

/** Clones through gam and compares with plain git; returns the outcome. */
async function cloned(mirror: string, option: string, config: Readonly<Record<string, string>> = {}) {
  const canonical = `file://${scene.canonical}`;
  const outcome = await scene.clone(mirror, { args: ['-n', option], canonical, config });
  expect(outcome.status, outcome.stderr).toBe(0);
  await expectNoChildren(scene.sandbox);
  expect(await leftovers(scene.sandbox, outcome.repository)).toEqual([]);
  const url = (line: string) => /^\turl = |mirrorurl/i.test(line);
  const seen = ({ config: all, ...state }: RepositoryState) => ({
    ...state,
    config: all.filter((line) => !url(line)),
  });
  const expected = plain.get(option) as RepositoryState;
  expect(seen(await stateOf(scene.sandbox, outcome.repository))).toEqual(seen(expected));
  // No object more than plain git has: git follows tags to what happens to be here.
  expect(await objectsIn(outcome.repository)).toEqual(await objectsIn(`plain${option}`));
  return outcome;
}

/** Where canonical cuts the history off. */
function boundary(): string[] {
  return (plain.get('--depth=3') as RepositoryState).shallow.trim().split('\n');
}

const DEPTH = '--depth=3';
const FILTER = '--filter=blob:none';
const shallow = () => boundary().map((oid) => `shallow ${oid}`);
const INCOMPLETE = /^127\.0\.0\.1:[0-9]+: did not send all that was asked for$/;
const REFUSED = /^127\.0\.0\.1:[0-9]+: sent a pack that git refuses: [\x20-\x7e]+$/;

test('a true answer is used', async () => {
  for (const [option, lines] of [
    [DEPTH, shallow()],
    [FILTER, []],
  ] as const) {
    const { url, commands } = await answering(lines, await truePack(option));
    const outcome = await cloned(url, option);
    expect(outcome.passedOver).toEqual([]);
    expect(outcome.said.at(-1)).toMatch(/ from 127\.0\.0\.1:[0-9]+, /);
    expect(commands).toEqual(['fetch']);
  }
});

// Where a history ends is written to .git/shallow, and must be canonical's, or what would be canonical's.
test.each([
  ['no end at all', () => []],
  ['its tip', () => [`shallow ${main}`]],
  ['a commit that nobody has', () => [...shallow(), `shallow ${'1'.repeat(40)}`]],
  ['a commit beyond', async () => [`shallow ${await parsed('main~10')}`]],
  ['an end taken back', () => boundary().map((oid) => `unshallow ${oid}`)],
])('a mirror names as the end of the history: %s', async (_what, lines) => {
  const { url } = await answering(await lines(), await truePack(DEPTH));
  const outcome = await cloned(url, DEPTH);
  expect(outcome.passedOver).toEqual([]);
});

test('a history that is cut too early', async () => {
  const { sandbox, canonical } = scene;
  await sandbox.git(['clone', '-q', '-n', '--depth=2', `file://${canonical}`, 'too-short']);
  const short = await packFrom(
    sandbox,
    'too-short',
    (await objectsIn('too-short')).map(({ oid }) => oid),
  );
  const { url } = await answering([`shallow ${await parsed('main~1')}`], short);
  expect((await cloned(url, DEPTH)).passedOver).toEqual([expect.stringMatching(INCOMPLETE)]);
});

test('more than was asked for does not get in', async () => {
  const whole = await packFrom(scene.sandbox, 'served/canonical.git', [], ['--all']);
  for (const [option, lines] of [
    [DEPTH, shallow()],
    [FILTER, []],
  ] as const) {
    const { url } = await answering(lines, whole);
    expect((await cloned(url, option)).passedOver).toEqual([]);
  }
});

test.each([
  [DEPTH, 'the tip', ({ oid }: Known) => oid !== main],
  [DEPTH, 'another commit', ({ oid }: Known) => !boundary().includes(oid)],
  [DEPTH, 'a tree', (one: Known, all: Known[]) => one !== all.find(({ type }) => type === 'tree')],
  [DEPTH, 'a blob', (one: Known, all: Known[]) => one !== all.find(({ type }) => type === 'blob')],
  [DEPTH, 'everything', () => false],
  [FILTER, 'a commit', (one: Known, all: Known[]) => one !== all.find(({ type }) => type === 'commit')],
  [FILTER, 'a tree', (one: Known, all: Known[]) => one !== all.find(({ type }) => type === 'tree')],
  [FILTER, 'everything but commits', ({ type }: Known) => type === 'commit'],
])('clone %s from a mirror that leaves out %s', async (option, _what, keep) => {
  const { url } = await answering(option === DEPTH ? shallow() : [], await truePack(option, keep));
  expect((await cloned(url, option)).passedOver).toEqual([expect.stringMatching(INCOMPLETE)]);
});

test('a mirror that leaves out a tag that points into what it sends', async () => {
  const { sandbox } = scene;
  const cwd = 'served/canonical.git';
  await sandbox.git(['tag', '-a', '-m', 'late', 'late', main], { cwd });
  const option = '--depth=2';
  await sandbox.git(['clone', '-q', '-n', option, `file://${scene.canonical}`, `plain${option}`]);
  plain.set(option, await stateOf(sandbox, `plain${option}`));
  const late = await parsed('late');
  const lines = [`shallow ${await parsed('main~1')}`];
  const { url } = await answering(lines, await truePack(option, ({ oid }) => oid !== late));
  const outcome = await cloned(url, option);
  await sandbox.git(['tag', '-d', 'late'], { cwd });
  expect(outcome.passedOver).toEqual([expect.stringMatching(/: lacks a tag that canonical has$/)]);
});

test.each(SPOILED)('a pack %s', async (_what, spoil) => {
  for (const option of [DEPTH, FILTER]) {
    const { url } = await answering(option === DEPTH ? shallow() : [], spoil(await truePack(option)));
    expect((await cloned(url, option)).passedOver).toEqual([expect.stringMatching(REFUSED)]);
  }
});

test.each<[string, RegExp, (out: Out, pack: Buffer) => Promise<void>]>([
  ['hangs up before it answers', /: hung up in the middle$/, async (out) => out.end()],
  [
    'hangs up in the middle of its pack',
    /: hung up in the middle$/,
    async (out, pack) => {
      await out.send(...start(shallow()), ...onBand(BAND.data, pack.subarray(0, -100)));
      out.end();
    },
  ],
  ['is silent', /: no pack within 3 s$/, async () => undefined],
  [
    'falls silent in the middle of its pack',
    /: slower than [0-9]+ bytes a second for 0\.5 s$/,
    (out, pack) => out.send(...start(shallow()), ...onBand(BAND.data, pack.subarray(0, 500))),
  ],
  ['refuses', /: refused: no\?\[31m$/, (out) => out.send(linePacket('ERR no\u001b[31m'))],
  ['answers with nothing', /: sent no pack$/, (out) => out.send(FLUSH)],
  [
    'stops',
    /: stopped: the moon is full$/,
    (out) => out.send(...start(shallow()), ...onBand(BAND.error, Buffer.from('the moon is full'))),
  ],
  [
    'names other places for its pack',
    /: sent 'packfile-uris', which was not asked for$/,
    (out) => out.send(linePacket('packfile-uris'), linePacket(`${'1'.repeat(40)} https://evil.example/pack`)),
  ],
  [
    'talks without end',
    /: sent endless text$/,
    async (out) => {
      await out.send(...start(shallow()));
      while (!out.closed) await out.send(...onBand(BAND.progress, Buffer.alloc(50_000, '.')));
    },
  ],
  [
    'names ends without end',
    /: sent endless text$/,
    async (out) => {
      const line = linePacket(`shallow ${main}`).raw;
      await out.send(linePacket('shallow-info'));
      while (!out.closed) await out.send(Buffer.concat(Array.from({ length: 1000 }, () => line)));
    },
  ],
  [
    'sends without end',
    /: sent more than the size limit$/,
    async (out) => {
      const blob = packObject(TYPE.blob, Buffer.alloc(3000, 'endless'));
      const piece = onBand(BAND.data, Buffer.concat(Array.from({ length: 500 }, () => blob)));
      await out.send(...start(shallow()), ...onBand(BAND.data, packHeader(1_000_000)));
      while (!out.closed) await out.send(...piece);
    },
  ],
  [
    'sends on when git has refused its pack',
    REFUSED,
    async (out) => {
      await out.send(...start(shallow()), ...onBand(BAND.data, Buffer.from('no pack at all')));
      while (!out.closed) await out.send(...onBand(BAND.data, Buffer.alloc(50_000)));
    },
  ],
])('a mirror that %s', async (_what, line, act) => {
  const pack = await truePack(DEPTH);
  const { url } = await answering([], pack, { fetch: (_request, out) => act(out, pack) });
  const config = { ...IMPATIENT, 'gam.maxStageSize': '2m' };
  expect((await cloned(url, DEPTH, config)).passedOver).toEqual([expect.stringMatching(line)]);
});

test('a mirror that offers neither is not asked', async () => {
  const simple = (out: Out) => out.send(...['version 2', 'ls-refs', 'fetch'].map(linePacket), FLUSH);
  const server = await answering([], Buffer.alloc(0), { greeting: simple });
  expect((await cloned(server.url, DEPTH)).passedOver).toEqual([
    expect.stringMatching(/: does not offer shallow clones$/),
  ]);
  expect((await cloned(server.url, FILTER)).passedOver).toEqual([
    expect.stringMatching(/: does not offer filters$/),
  ]);
  expect(server.commands).toEqual([]);
});

test('objects of a lazy fetch: only those that were asked for, and only if they are all there', async () => {
  const { sandbox, canonical } = scene;
  const blobs = (await objectsIn('served/canonical.git')).filter(({ type }) => type === 'blob');
  const pack = (ids: readonly Known[]) =>
    packFrom(
      sandbox,
      'served/canonical.git',
      ids.map(({ oid }) => oid),
    );
  const wanted = (
    await sandbox.git(['rev-parse', 'main:src/part-0/file-0.ts'], { cwd: canonical })
  ).stdout.trim();
  const others = blobs.filter(({ oid }) => oid !== wanted);
  for (const [sent, said] of [
    [blobs, []],
    [others, [expect.stringMatching(/^passing over .*: did not send all that was asked for$/)]],
  ] as const) {
    const { url } = await answering([], await pack(sent));
    const to = `lazy-${sent.length}`;
    await copyRepository(sandbox, `plain${FILTER}`, to);
    setOrigin(sandbox, to, { url: `mirror::file://${canonical}`, mirrorUrl: url });
    const { stderr } = await sandbox.git(['cat-file', '-e', wanted], { cwd: to });
    expect(stderr.match(/(?<=^gam: ).*$/gm) ?? []).toEqual(said);
    const here = await objectsIn(to);
    expect(here.filter(({ type }) => type === 'blob').map(({ oid }) => oid)).toEqual([wanted]);
    await expectNoChildren(sandbox);
    expect(await leftovers(sandbox, to)).toEqual([]);
  }
});

/** A mirror that stops in the middle of its pack, and what tells that it has come so far. */
async function stalling(): Promise<{ url: string; stalled: Promise<void> }> {
  const pack = await truePack(DEPTH);
  let reached = () => undefined as void;
  const stalled = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const { url } = await answering([], pack, {
    async fetch(_request, out) {
      await out.send(...start(shallow()), ...onBand(BAND.data, pack.subarray(0, 2000)));
      reached();
    },
  });
  return { url, stalled };
}

test.each<[NodeJS.Signals]>([['SIGINT'], ['SIGTERM']])(
  '%s while a mirror is silent in the middle of its pack: a clone leaves nothing',
  async (signal) => {
    const { sandbox, canonical } = scene;
    const { url, stalled } = await stalling();
    const config = ['-c', `remote.origin.mirrorUrl=${url}`];
    const args = ['clone', '-q', ...config, DEPTH, `mirror::file://${canonical}`, signal];
    const running = sandbox.start('git', args);
    await stalled;
    running.kill(signal);
    expect(await running.ended).toMatchObject({ signal });
    await expectNoChildren(sandbox);
    expect(existsSync(sandbox.path(signal))).toBe(false);
  },
);

test.each<[NodeJS.Signals]>([['SIGINT'], ['SIGKILL']])(
  '%s in a fetch: the next one finds nothing in its way, and leaves nothing',
  async (signal) => {
    const { sandbox, canonical } = scene;
    const to = `fetched-${signal}`;
    await sandbox.git(['init', '-q', to]);
    await sandbox.git(['remote', 'add', 'origin', `mirror::file://${canonical}`], { cwd: to });
    const { url, stalled } = await stalling();
    setOrigin(sandbox, to, { mirrorUrl: url });
    const running = sandbox.start('git', ['fetch', '-q', '--depth=3', 'origin', 'main'], { cwd: to });
    await stalled;
    running.kill(signal);
    expect(await running.ended).toMatchObject({ signal });
    await expectNoChildren(sandbox);
    // Who is killed at once cannot clean up.
    expect((await leftovers(sandbox, to, 0)).length > 0).toBe(signal === 'SIGKILL');
    setOrigin(sandbox, to, { mirrorUrl: canonical });
    const { stderr } = await sandbox.git(['fetch', '--depth=3', 'origin', 'main'], { cwd: to });
    expect(stderr).toMatch(/^gam: .* saved\)$/m);
    expect(await leftovers(sandbox, to)).toEqual([]);
    expect((await stateOf(sandbox, to)).shallow).toBe((plain.get(DEPTH) as RepositoryState).shallow);
  },
);
