import { afterAll, beforeAll, expect, test } from 'vitest';
import { FLUSH } from '../../../src/pkt-line/encode.ts';
import { BAND } from '../../../src/pkt-line/sideband.ts';
import {
  objectId,
  packDelta,
  packHeader,
  packObject,
  packOf,
  SPOILED,
  TYPE,
} from '../../helpers/hostile-pack.ts';
import { type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';
import {
  onBand,
  packFrom,
  packStart,
  refsToTell,
  type Script,
  scripted,
  startHostileServer,
  type ToldRef,
} from '../../helpers/hostile-server.ts';
import { addManyRefs, cloneBare } from '../../helpers/repository.ts';

// Group 11 of the inputs to survive: packs that lie. The mirror tells canonical's own refs, so that nothing
// but the pack is wrong.

const MIB = 1024 ** 2;

let scene: HostileScene;
let refs: ToldRef[];
let whole: Buffer;

beforeAll(async () => {
  scene = await setHostileScene();
  await scene.behind();
  refs = await refsToTell(scene.sandbox, 'served/canonical.git');
  whole = await packFrom(scene.sandbox, 'served/canonical.git', [], ['--all']);
});

afterAll(() => scene.close());

async function serving(pack: Buffer, changes: Partial<Script> = {}) {
  return scene.add(await startHostileServer(scripted(refs, pack, changes)));
}

/** Ids of everything in canonical but one blob of its newest tree. */
async function allButOneBlob(): Promise<string[]> {
  const cwd = 'served/canonical.git';
  const { sandbox } = scene;
  const [tree, all] = await Promise.all([
    sandbox.git(['ls-tree', '-r', 'main'], { cwd }),
    sandbox.git(['rev-list', '--objects', '--all'], { cwd }),
  ]);
  const blob = /blob ([0-9a-f]+)/.exec(tree.stdout)?.[1];
  const ids = all.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ', 1)[0] ?? '');
  return ids.filter((id) => id !== blob);
}

test('the same mirror with a true pack is used, by clone and fetch', async () => {
  const { url } = await serving(whole);
  const cloned = await scene.clone(url);
  await scene.expectPassedOver(cloned);
  expect(cloned.said.at(-1)).toMatch(/ from 127\.0\.0\.1:[0-9]+, /);
  const fetched = await scene.fetch(await scene.behind(), url);
  await scene.expectPassedOver(fetched);
  expect(fetched.said.at(-1)).toMatch(/ from 127\.0\.0\.1:[0-9]+, /);
});

test('one object is missing', async () => {
  const pack = await packFrom(scene.sandbox, 'served/canonical.git', await allButOneBlob());
  const { url } = await serving(pack);
  const incomplete = /^127\.0\.0\.1:[0-9]+: sent (?:an incomplete history|.*did not receive expected object)/;
  await scene.expectPassedOver(await scene.clone(url), incomplete);
  // A fetch of few objects unpacks them, one of many keeps the pack; neither lets a hole in.
  for (const limit of ['1', '100000']) {
    const config = { 'fetch.unpackLimit': limit };
    await scene.expectPassedOver(await scene.fetch(await scene.behind(), url, { config }), incomplete);
  }
});

test('a pack of nothing at all', async () => {
  const { url } = await serving(packOf([]));
  await scene.expectPassedOver(await scene.clone(url), /: sent an incomplete history$/);
});

// gam took a pack without holes for one with all that was asked for, and of many refs it writes only a few:
// the wants that it took out of git's request were neither here nor on their way, and the clone failed.
test('a pack without holes that lacks the tips of branches, of very many refs', async () => {
  const many = await setHostileScene();
  scene.add(many);
  await addManyRefs(many.sandbox, 'served/canonical.git', 300);
  const told = await refsToTell(many.sandbox, 'served/canonical.git');
  const pack = await packFrom(many.sandbox, 'served/canonical.git', ['main'], ['--revs']);
  const { url } = many.add(await startHostileServer(scripted(told, pack)));
  await many.expectPassedOver(await many.clone(url), /: sent an incomplete history$/);
});

test.each(SPOILED)('a pack %s', async (_what, spoil) => {
  const { url } = await serving(spoil(whole));
  const refused = /^127\.0\.0\.1:[0-9]+: sent a pack that git refuses: [\x20-\x7e]+$/;
  await scene.expectPassedOver(await scene.clone(url), refused);
});

test('a pack that is cut off with the line', async () => {
  const { url } = await serving(whole, {
    async fetch(request, out) {
      await out.send(...packStart(request), ...onBand(BAND.data, whole.subarray(0, -100)));
      out.end();
    },
  });
  const outcome = await scene.fetch(await scene.behind(), url);
  await scene.expectPassedOver(outcome, /: hung up in the middle$/);
});

test('a pack without end stops at gam.maxStageSize', async () => {
  const blob = packObject(TYPE.blob, Buffer.alloc(3000, 'endless'));
  const piece = onBand(BAND.data, Buffer.concat(Array.from({ length: 500 }, () => blob)));
  const server = await serving(whole, {
    async fetch(request, out) {
      await out.send(...packStart(request), ...onBand(BAND.data, packHeader(1_000_000)));
      while (!out.closed) await out.send(...piece);
    },
  });
  const outcome = await scene.clone(server.url, { config: { 'gam.maxStageSize': '2m' } });
  await scene.expectPassedOver(outcome, /: sent more than the size limit$/);
  // What was under way when gam hung up is on top: the buffers of both ends.
  expect(server.bytesOut).toBeLessThan(40 * MIB);
});

test('a pack that git has refused is not read to its end', async () => {
  const server = await serving(whole, {
    async fetch(request, out) {
      await out.send(...packStart(request), ...onBand(BAND.data, Buffer.from('no pack at all')));
      const piece = onBand(BAND.data, Buffer.alloc(50_000));
      while (!out.closed) await out.send(...piece);
    },
  });
  const outcome = await scene.clone(server.url, { config: { 'gam.maxStageSize': '2g' } });
  await scene.expectPassedOver(outcome, /: sent a pack that git refuses: /);
  expect(server.bytesOut).toBeLessThan(40 * MIB);
});

test.each([
  ['progress', BAND.progress],
  ['progress without a line end', BAND.progress],
])('%s without end instead of a pack', async (what, band) => {
  const text = Buffer.from(what === 'progress' ? 'Counting: 1\r'.repeat(4000) : '.'.repeat(48_000));
  const server = await serving(whole, {
    async fetch(request, out) {
      await out.send(...packStart(request));
      while (!out.closed) await out.send(...onBand(band, text));
    },
  });
  const outcome = await scene.clone(server.url);
  await scene.expectPassedOver(outcome, /: sent endless text$/);
  expect(server.bytesOut).toBeLessThan(60 * MIB);
});

test('acknowledgments without end instead of a pack', async () => {
  const server = await serving(whole, {
    async fetch(request, out) {
      const [have = ''] = request.arguments.filter((a) => a.startsWith('have ')).map((a) => a.slice(5));
      await out.send(...packStart({ capabilities: [], arguments: [`have ${have}`] }).slice(0, 1));
      const ack = Buffer.from(`0031ACK ${have}\n`.repeat(1000));
      while (!out.closed) await out.send(ack);
    },
  });
  const outcome = await scene.fetch(await scene.behind(), server.url);
  await scene.expectPassedOver(outcome, /: sent endless text$/);
});

test('objects that would fill the memory are not made', async () => {
  const base = Buffer.from('base');
  const bombs: [string, Buffer[]][] = [
    ['a tree that claims three gigabytes', [packObject(TYPE.tree, Buffer.alloc(10), 3 * 1024 ** 3)]],
    ['a blob that inflates to more than it claims', [packObject(TYPE.blob, Buffer.alloc(64 * MIB), 10)]],
    [
      'a delta that claims to make three gigabytes',
      [
        packObject(TYPE.blob, base),
        packDelta(objectId('blob', base), base.length, 3 * 1024 ** 3, Buffer.of(0x90, 4)),
      ],
    ],
  ];
  for (const [, objects] of bombs) {
    const { url } = await serving(packOf(objects));
    await scene.expectPassedOver(await scene.clone(url), /: sent a pack that git refuses: /);
  }
  // The table of the objects that a header claims is made before the first of them has come.
  for (const objects of [100_000_000, 2 ** 31]) {
    const { url } = await serving(Buffer.concat([packHeader(objects), whole.subarray(12)]));
    await scene.expectPassedOver(
      await scene.clone(url),
      /: sent a pack that git refuses: .*(?:allocate|memory)/,
    );
  }
});

test('a side-band error, or no side-band at all', async () => {
  const error = await serving(whole, {
    fetch: (request, out) =>
      out.send(...packStart(request), ...onBand(BAND.error, Buffer.from('no space left on the moon')), FLUSH),
  });
  await scene.expectPassedOver(await scene.clone(error.url), /: stopped: no space left on the moon$/);
  const raw = await serving(whole, {
    fetch: (request, out) => out.send(...packStart(request), whole),
  });
  await scene.expectPassedOver(await scene.clone(raw.url), /: .*no packet length$/);
});

/** A repository like canonical with one more commit, whose tree holds a path that must never be checked out. */
async function attacking(name: string, entry: string, content: string): Promise<string> {
  const { sandbox } = scene;
  const path = await cloneBare(sandbox, 'served/canonical.git', name);
  const blob = await sandbox.git(['hash-object', '-w', '--stdin'], { cwd: name, input: content });
  const input = Buffer.concat([
    Buffer.from(`100644 ${entry}\0`, 'latin1'),
    Buffer.from(blob.stdout.trim(), 'hex'),
  ]);
  const tree = await sandbox.git(['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], {
    cwd: name,
    input,
  });
  const args = ['commit-tree', '-m', 'attack', '-p', 'main', tree.stdout.trim()];
  const commit = await sandbox.git(args, { cwd: name });
  await sandbox.git(['update-ref', 'refs/heads/main', commit.stdout.trim()], { cwd: name });
  return path;
}

test.each([
  ['.git', 'hooks are elsewhere', /hasDotgit|contains '\.git'/i],
  ['.gitmodules', '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n', /gitmodules/i],
])('an attack by %s: under transfer.fsckObjects the mirror is refused', async (entry, content, complaint) => {
  // The mirror is ahead by a commit of its own: canonical is not to blame, and the fetch must succeed.
  const name = `attack${entry}.git`;
  const path = await attacking(name, entry, content);
  const told = await refsToTell(scene.sandbox, name);
  const pack = await packFrom(scene.sandbox, name, [], ['--all']);
  const { url } = await serving(pack, scripted(told, pack));
  const config = { 'transfer.fsckObjects': 'true' };
  const outcome = await scene.clone(url, { config });
  await scene.expectPassedOver(outcome, complaint);
  // Where canonical itself serves it, gam's outcome is plain git's.
  for (const checked of ['true', 'false']) {
    const both = { config: { 'transfer.fsckObjects': checked }, canonical: path, args: ['--no-checkout'] };
    const plain = await scene.sandbox.git(
      ['-c', `transfer.fsckObjects=${checked}`, 'clone', '-n', `file://${path}`, `plain-${checked}-${name}`],
      { expectStatus: null },
    );
    const ours = await scene.clone(url, both);
    expect(ours.status).toBe(plain.status);
    expect(plain.status === 0).toBe(checked === 'false');
  }
});
